-- Keep the locks for longer, if all of them are still ours.
--
-- KEYS  lock of each lock (only that)
-- ARGV  1 value   what the lock's key holds while it is ours
--       2 ttl_ms  time to live from now
--       3 add     '1': add ttl_ms to what is left instead
-- Answers 1, or 0 when one of them isn't ours.

for _, lock in ipairs(KEYS) do
  if redis.call('GET', lock) ~= ARGV[1] then return 0 end
end
for _, lock in ipairs(KEYS) do
  local ttl = tonumber(ARGV[2])
  if ARGV[3] == '1' then ttl = ttl + redis.call('PTTL', lock) end
  redis.call('PEXPIRE', lock, ttl)
end
return 1
