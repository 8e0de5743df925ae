-- Give up: leave every line, and let go of whatever was handed over in the meantime.
--
-- KEYS  lock, queue, waiters, fence of each lock
-- ARGV  1 owner     as given to acquire.lua
--       2 grant_ms  how long a lock handed over waits to be confirmed
-- Answers 1.

local owner = ARGV[1]
for lock = 1, #KEYS / 4 do
  remove(lock, owner)
  local holder = redis.call('GET', key(lock, LOCK))
  if holder == owner or (holder and string.sub(holder, 1, #owner + 1) == owner .. '|') then
    redis.call('DEL', key(lock, LOCK))
  end
end
for lock = 1, #KEYS / 4 do
  if redis.call('EXISTS', key(lock, LOCK)) == 0 then
    hand_over(lock, tonumber(ARGV[2]), true)
  end
end
return 1
