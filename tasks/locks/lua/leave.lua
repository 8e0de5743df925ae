-- Give up: leave every line, and let go of whatever was handed over in the meantime.
--
-- KEYS  lock, queue, waiters, fence of each lock
-- ARGV  1 owner     as given to acquire.lua
--       2 grant_ms  how long a lock handed over waits to be confirmed
-- Answers 1.

local owner = ARGV[1]
for lock = 1, #KEYS / 4 do
  remove(lock, owner)
  local held = held_by(redis.call('GET', key(lock, LOCK)), owner)
  if held then let_go(key(lock, LOCK), held) end
end
for lock = 1, #KEYS / 4 do hand_over(lock, tonumber(ARGV[2]), true) end
return 1
