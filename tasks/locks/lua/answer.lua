-- Let go of the lock if it is still ours: those who were served leave the line, it is handed to the
-- next waiter, and each of the served is woken by its answer: "=<length of waiter> <waiter><answer>".
--
-- KEYS  lock, queue, waiters, fence
-- ARGV  1 value     as what we hold it (holders.lua)
--       2 grant_ms  how long a lock handed over waits to be confirmed
--       3 waiter, 4 answer, 5 waiter, 6 answer, …
-- Answers 1, or 0 when the lock wasn't ours; then nobody has left and nobody is woken.

if redis.call('GET', key(1, LOCK)) ~= ARGV[1] then return 0 end
redis.call('DEL', key(1, LOCK))
local served = {}
for number = 3, #ARGV, 2 do
  local waiter = living(1, ARGV[number])
  if waiter then
    remove(1, waiter.name)
    waiter.answer = ARGV[number + 1]
    served[#served + 1] = waiter
  end
end
hand_over(1, tonumber(ARGV[2]), true)
for _, waiter in ipairs(served) do
  redis.call('PUBLISH', waiter.channel, '=' .. #waiter.name .. ' ' .. waiter.name .. waiter.answer)
end
return 1
