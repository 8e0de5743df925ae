-- Takes one request from a caller's allowance, or says when there will be one (GCRA: a leaky bucket
-- kept as one number, the time at which it will be empty again).
-- https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
--
-- KEYS[1]  the caller's bucket under one policy
-- ARGV[1]  requests that fit into a window
-- ARGV[2]  length of the window in microseconds
-- Returns {allowed (1 or 0), requests left, microseconds until all are back, microseconds to wait}
--
-- Whole microseconds, written with %.0f: Lua's own text for such a number has 14 digits only.

local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local step = math.floor(window / limit)
local empty_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local next_empty_at = empty_at + step

if next_empty_at - now > window then
    return {0, 0, empty_at - now, next_empty_at - now - window}
end
redis.call('SET', KEYS[1], string.format('%.0f', next_empty_at), 'PX', math.ceil((next_empty_at - now) / 1000))
return {1, math.floor((window - (next_empty_at - now)) / step), next_empty_at - now, 0}
