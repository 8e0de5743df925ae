-- Let go of the locks that are still ours, and hand each to its next waiter.
--
-- KEYS  lock, queue, waiters, fence of each lock
-- ARGV  1 value     as what we hold it (holders.lua)
--       2 grant_ms  how long a lock handed over waits to be confirmed
-- Answers how many of the locks were ours.

local locks, ours = #KEYS / 4, {}
for lock = 1, locks do
  if let_go(key(lock, LOCK), ARGV[1]) then ours[#ours + 1] = lock end
end
for _, lock in ipairs(ours) do hand_over(lock, tonumber(ARGV[2]), true) end
return #ours
