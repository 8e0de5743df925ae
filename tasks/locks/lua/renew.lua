-- Keep the locks for longer, if all of them are still ours.
--
-- KEYS  lock of each lock (only that)
-- ARGV  1 value   as what we hold it (holders.lua)
--       2 ttl_ms  time to live from now
--       3 add     '1': add ttl_ms to what is left instead
-- Answers 1, or 0 when one of them isn't ours.

for _, lock in ipairs(KEYS) do
  if not ttl_of(lock, ARGV[1]) then return 0 end
end
for _, lock in ipairs(KEYS) do
  local ttl = tonumber(ARGV[2])
  if ARGV[3] == '1' then ttl = ttl + ttl_of(lock, ARGV[1]) end
  local kind = is_shared(redis.call('GET', lock)) and SHARED or EXCLUSIVE
  enter(lock, kind, ARGV[1], ttl)
end
return 1
