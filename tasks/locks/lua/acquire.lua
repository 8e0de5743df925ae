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
--       8 kind          '0': alone; '1': alone, the lock's key holding the owner as it is, without
--                       the token; '2': with other readers
--       9 request       (or missing) what whoever holds the lock may serve meanwhile: collect.lua
-- Answers the fencing token, as digits; 0 when not got and not queued; or, when queued,
-- {ticket, ms after which to ask again, -1 for "as you like", Redis' time in us}.

local owner, ttl, ticket, kind = ARGV[1], tonumber(ARGV[2]), ARGV[4], ARGV[8]
local locks = #KEYS / 4
local grant_ms = tonumber(ARGV[6])
local held, mine, got, blocked = {}, 0, nil, false

for lock = 1, locks do
  local value = redis.call('GET', key(lock, LOCK))
  held[lock] = held_by(value, owner)
  if not held[lock] and value and not is_shared(value) then
    blocked = true
  elseif not held[lock] then
    local first = first_in_line(lock)
    if first and first.name ~= owner then
      hand_over(lock, grant_ms, false)
      first = first_in_line(lock)
      held[lock] = held_by(redis.call('GET', key(lock, LOCK)), owner)
    end
    if not held[lock] and ((first and first.name ~= owner) or not lets_in(lock, kind)) then
      blocked = true
    end
  end
  if held[lock] then mine, got = mine + 1, string.sub(held[lock], #owner + 2) end
end

if not blocked then
  local fence = kind ~= EXACT and mine == locks and got or new_fence(1, locks)
  for lock = 1, locks do
    if held[lock] then let_go(key(lock, LOCK), held[lock]) end
    enter(key(lock, LOCK), kind, holding(owner, kind, fence), ttl)
    if ticket ~= '0' then remove(lock, owner) end
    -- The readers right behind a reader come in with it.
    if kind == SHARED then hand_over(lock, grant_ms, false) end
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
local about = string.format('%.0f %s %d %s %s', now_us() / 1000 + lease_ms, ttl, locks, kind, ARGV[7])
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
