-- Take all the locks or none; else, if asked to wait, take or keep a place in every line.
-- Asked again by the same owner (an answer was lost, or a wake-up) it gives the same answer.
--
-- KEYS  lock, queue, waiters, fence of each lock
-- ARGV  1 owner         unique for this acquisition
--       2 ttl_ms
--       3 wait          '1': queue when it isn't free; '0': never queue
--       4 ticket        '0' the first time; then as answered
--       5 lease_ms      how long the place is kept without asking again
--       6 grant_ms      how long a lock handed over waits to be confirmed
--       7 channel       where the owner listens
--       8 exact         '1': the lock's key holds the owner as it is, without the token
--       9 request       (or missing) what whoever holds the lock may serve meanwhile: collect.lua
-- Answers the fencing token, as digits; 0 when not got and not queued; or, when queued,
-- {ticket, ms after which to ask again, -1 for "as you like", Redis' time in us}.

local owner, ttl, ticket, exact = ARGV[1], ARGV[2], ARGV[4], ARGV[8]
local locks = #KEYS / 4
local mine, got, blocked = 0, nil, false

for lock = 1, locks do
  local holder = redis.call('GET', key(lock, LOCK))
  if not holder then
    local first = first_in_line(lock)
    if first and first.name ~= owner then
      hand_over(lock, tonumber(ARGV[6]), false)
      first = first_in_line(lock)
      blocked = blocked or redis.call('EXISTS', key(lock, LOCK)) == 1
        or (first ~= nil and first.name ~= owner)
    end
  elseif exact == '1' and holder == owner then
    mine = mine + 1
  elseif exact == '0' and string.sub(holder, 1, #owner + 1) == owner .. '|' then
    mine, got = mine + 1, string.sub(holder, #owner + 2)
  else
    blocked = true
  end
end

if not blocked then
  local fence = mine == locks and got or new_fence(1, locks)
  local value = holding(owner, exact, fence)
  for lock = 1, locks do
    redis.call('SET', key(lock, LOCK), value, 'PX', ttl)
    if ticket ~= '0' then remove(lock, owner) end
  end
  return fence
end

if ARGV[3] == '0' then return 0 end

if ticket == '0' then
  -- Behind everybody: the clock may have been set back, or stood still for a microsecond.
  ticket = now_us()
  for lock = 1, locks do
    local last = redis.call('ZREVRANGE', key(lock, QUEUE), 0, 0, 'WITHSCORES')[2]
    if last and tonumber(last) >= ticket then ticket = tonumber(last) + 1 end
  end
end

local lease_ms = tonumber(ARGV[5])
local about = string.format('%.0f %s %d %s %s', now_us() / 1000 + lease_ms, ttl, locks, exact, ARGV[7])
local ask_again = -1
for lock = 1, locks do
  redis.call('ZADD', key(lock, QUEUE), 'NX', ticket, owner)
  redis.call('HSET', key(lock, WAITERS), owner, about)
  if ARGV[9] then redis.call('HSET', key(lock, WAITERS), request_of(owner), ARGV[9]) end
  redis.call('PEXPIRE', key(lock, QUEUE), 2 * lease_ms)
  redis.call('PEXPIRE', key(lock, WAITERS), 2 * lease_ms)
  -- Nobody says when a dead holder's lock expires, nor when a foreign holder lets go.
  local left = redis.call('PTTL', key(lock, LOCK))
  local holder = redis.call('GET', key(lock, LOCK))
  if holder and string.sub(holder, 1, 4) ~= 'lk1|' then
    left = left < 0 and 50 or math.min(left, 50)
  end
  if left >= 0 and (ask_again < 0 or left < ask_again) then ask_again = left end
end
return { tonumber(ticket), ask_again, now_us() }
