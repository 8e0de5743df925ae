-- What the scripts share: the line of waiters and the fencing tokens. Each script is holders.lua,
-- this file and its own.
--
-- Every lock has four keys in one slot, and every script gets them in this order, per lock:
--   lock     string  who holds it; set to expire. Plain SET NX code on the same key excludes us too.
--   queue    zset    waiters, by ticket: Redis' time in microseconds when they came. One waiter has
--                    one ticket for all its keys, so all lines agree on who is older: no deadlock.
--   waiters  hash    waiter -> "lease_ms ttl_ms keys kind channel"; and, of who has a request for
--                    whoever holds the lock (combining.py), "request|<waiter>" -> the request
--   fence    string  newest token; set to expire when the clock is past it anyway.
--
-- Redis must replicate effects, not scripts (the default since 5, the only way since 7).

local LOCK, QUEUE, WAITERS, FENCE = 1, 2, 3, 4

local function key(lock, part)
  return KEYS[(lock - 1) * 4 + part]
end

-- After a clock was set back the tokens go on from the newest one. It is kept until the clock has
-- passed it, and 10 s longer for a replica whose clock is behind; after that the time alone is
-- larger. So tokens grow for ever, and no key stays for ever.
local FENCE_KEPT_MS = 10000

-- One token (as digits) for these locks, larger than any token that one of them has had.
local function new_fence(first, last)
  local fence = now_us()
  for lock = first, last do
    local newest = tonumber(redis.call('GET', key(lock, FENCE)) or 0)
    if newest >= fence then fence = newest + 1 end
  end
  local kept_ms = FENCE_KEPT_MS + math.ceil((fence - now_us()) / 1000)
  local digits = string.format('%.0f', fence)
  for lock = first, last do
    redis.call('SET', key(lock, FENCE), digits, 'PX', kept_ms)
  end
  return digits
end

-- As what `owner` holds a lock. EXACT owners (a token chosen by the caller) do as they are.
local function holding(owner, kind, fence)
  if kind == EXACT then return owner end
  return owner .. '|' .. fence
end

local function request_of(waiter)
  return 'request|' .. waiter
end

local function remove(lock, waiter)
  redis.call('ZREM', key(lock, QUEUE), waiter)
  redis.call('HDEL', key(lock, WAITERS), waiter, request_of(waiter))
end

-- What is known about a waiter, or nil when it gave no sign of life within its lease.
local function living(lock, waiter)
  local about = redis.call('HGET', key(lock, WAITERS), waiter) or ''
  local lease, ttl, keys, kind, channel = string.match(about, '^(%d+) (%d+) (%d+) (%d) (.+)$')
  if lease and tonumber(lease) * 1000 >= now_us() then
    return { name = waiter, ttl = tonumber(ttl), keys = tonumber(keys), kind = kind, channel = channel }
  end
end

-- Whether the waiter's connection is there.
local function listens(waiter)
  return redis.call('PUBSUB', 'NUMSUB', waiter.channel)[2] > 0
end

-- The oldest waiter that gave a sign of life within its lease; those before it are removed.
local function first_in_line(lock)
  while true do
    local name = redis.call('ZRANGE', key(lock, QUEUE), 0, 0)[1]
    if not name then return nil end
    local waiter = living(lock, name)
    if waiter then return waiter end
    remove(lock, name)
  end
end

-- Whether a lock that is free, or held by readers, lets this kind of holder in.
local function lets_in(lock, kind)
  local held = redis.call('GET', key(lock, LOCK))
  return not held or (kind == SHARED and is_shared(held))
end

-- Give a lock, as far as it is free, to the first in line and wake it by one message: "<fence>
-- <waiter>"; and if that is a reader, to the readers behind it up to the first other waiter. A waiter
-- of several keys is only told (fence 0) to try, since its other keys are not this script's; and
-- not even that unless `tell_many`, when nothing of its own can have changed.
-- PUBLISH says how many connections got the message: none means that the waiter's is gone, so it
-- loses its place at once (and comes back to it, by its ticket, if it is alive).
local function hand_over(lock, grant_ms, tell_many)
  while true do
    local waiter = first_in_line(lock)
    if not waiter then return end
    if not lets_in(lock, waiter.kind) then
      -- Behind readers: if nobody is there any more, it keeps the readers behind it out.
      if not lets_in(lock, SHARED) or listens(waiter) then return end
      remove(lock, waiter.name)
    elseif waiter.keys > 1 then
      local heard
      if tell_many then
        heard = redis.call('PUBLISH', waiter.channel, '0 ' .. waiter.name) > 0
      else
        heard = listens(waiter)
      end
      if heard then return end
      remove(lock, waiter.name)
    else
      local fence = new_fence(lock, lock)
      remove(lock, waiter.name)
      local message = fence .. ' ' .. waiter.name
      if redis.call('PUBLISH', waiter.channel, message) > 0 then
        local value = holding(waiter.name, waiter.kind, fence)
        enter(key(lock, LOCK), waiter.kind, value, math.min(waiter.ttl, grant_ms))
        if waiter.kind ~= SHARED then return end
      end
    end
  end
end
