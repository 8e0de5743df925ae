-- Read the requests in line, up to the first ordinary waiter; and keep the lock, for its full time.
-- They stay in line until answer.lua. Whoever is dead is passed over.
--
-- KEYS  lock, queue, waiters, fence
-- ARGV  1 value   as what we hold it (holders.lua)
--       2 ttl_ms  time to live from now
--       3 most    how many requests at the most
-- Answers {waiter, request, waiter, request, …} in the order of the line; 0 when it isn't ours.

if redis.call('GET', key(1, LOCK)) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', key(1, LOCK), ARGV[2])
local requests, most = {}, tonumber(ARGV[3])
if most == 0 then return requests end
for _, name in ipairs(redis.call('ZRANGE', key(1, QUEUE), 0, most - 1)) do
  local waiter = living(1, name)
  if waiter and listens(waiter) then
    local request = redis.call('HGET', key(1, WAITERS), request_of(name))
    if not request then break end
    requests[#requests + 1] = name
    requests[#requests + 1] = request
  end
end
return requests
