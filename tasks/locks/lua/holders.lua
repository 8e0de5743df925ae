-- Who holds a lock: what its key's value says. Shared by the scripts, before queue.lua.
--
--   "<owner>|<fence>"      one holder
--   "<owner>"              one whose token was chosen by the caller ("exact"), or plain SET NX code
--   "lk1|shared" and, for each reader, "\n<end_ms> <owner>|<fence>"
--                          readers, each until its own end by Redis' clock; the key expires with the
--                          last of them. In one value, so that plain code is excluded like by one.

local EXCLUSIVE, EXACT, SHARED = '0', '1', '2'
local READERS = 'lk1|shared'

local asked_time

local function now_us()
  if not asked_time then
    local time = redis.call('TIME')
    asked_time = time[1] * 1000000 + time[2]
  end
  return asked_time
end

local function is_shared(value)
  return value and string.sub(value, 1, #READERS) == READERS
end

-- The readers that are inside: {value = "<owner>|<fence>", end_ms} each.
local function readers(value)
  local inside = {}
  for end_ms, reader in string.gmatch(value, '\n(%d+) ([^\n]+)') do
    if tonumber(end_ms) * 1000 > now_us() then
      inside[#inside + 1] = { value = reader, end_ms = tonumber(end_ms) }
    end
  end
  return inside
end

-- Only these readers are inside from now on.
local function set_readers(lock, inside)
  local last, value = 0, READERS
  for _, reader in ipairs(inside) do
    last = math.max(last, reader.end_ms)
    value = value .. string.format('\n%.0f %s', reader.end_ms, reader.value)
  end
  if #inside == 0 then
    redis.call('DEL', lock)
  else
    redis.call('SET', lock, value, 'PX', math.max(math.ceil(last - now_us() / 1000), 1))
  end
end

local function without(inside, value)
  local others = {}
  for _, reader in ipairs(inside) do
    if reader.value ~= value then others[#others + 1] = reader end
  end
  return others
end

-- Hold the lock as `value` for so long from now; a reader joins those that are inside.
local function enter(lock, kind, value, ttl_ms)
  if kind ~= SHARED then
    redis.call('SET', lock, value, 'PX', ttl_ms)
    return
  end
  local before = redis.call('GET', lock)
  local inside = before and without(readers(before), value) or {}
  inside[#inside + 1] = { value = value, end_ms = math.floor(now_us() / 1000) + ttl_ms }
  set_readers(lock, inside)
end

-- How the lock is held as `value`: its time to live in ms, or nil when it isn't.
local function ttl_of(lock, value)
  local held = redis.call('GET', lock)
  if held == value then return redis.call('PTTL', lock) end
  if is_shared(held) then
    for _, reader in ipairs(readers(held)) do
      if reader.value == value then return reader.end_ms - now_us() / 1000 end
    end
  end
end

-- Let go of what is held as `value`; whether it was.
local function let_go(lock, value)
  local held = redis.call('GET', lock)
  if held == value then
    redis.call('DEL', lock)
    return true
  end
  if not is_shared(held) then return false end
  local inside = readers(held)
  local others = without(inside, value)
  set_readers(lock, others)
  return #others < #inside
end

-- As what `owner` holds a lock whose key has this value, or nil when it doesn't. An owner of ours
-- starts with "lk1|"; any other is a token chosen by a caller.
local function held_by(value, owner)
  if not value or value == owner then return value or nil end
  if string.sub(owner, 1, 4) ~= 'lk1|' then return nil end
  if string.sub(value, 1, #owner + 1) == owner .. '|' then return value end
  for _, reader in ipairs(is_shared(value) and readers(value) or {}) do
    if string.sub(reader.value, 1, #owner + 1) == owner .. '|' then return reader.value end
  end
end
