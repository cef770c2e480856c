-- How many calls the next seconds can carry, taking nothing.
-- KEYS     as in common.lua
-- ARGV     after those of common.lua: 18 horizon  19 points of a call  20 urgency, as in acquire.lua
-- returns  {how many, the limit that binds, microseconds until that limit lets one through}
local horizon, points, urgent = tonumber(ARGV[18]), tonumber(ARGV[19]), ARGV[20] == '0'
wake()
reap()
roll('m'); roll('d')

local room, which, wait = math.huge, '', 0
local function bind(n, name, untill)
  if n < room then room, which, wait = math.max(0, n), name, math.max(untill - now, 0) end
end
local function paced(due, gap, at_once, name)
  local first = math.max(due, now) - gap * (at_once - 1) -- then one every gap: a gap may be longer than the horizon
  bind(math.floor((now + horizon - first) / gap) + 1, name, first)
end

local cold = get('cold') or 1
if metered and cold > 0 then
  local asked = cold == 1 and (get('fly') or 0) > 0
  bind(asked and 0 or 1, 'first answer awaited', now)
end
local gap, at_once, pace_name = pace(points, 1)
paced(get('p') or 0, gap, at_once, pace_name)
if own_interval > 0 then paced(own.get('p') or 0, own_interval, 1, 'campaign pace') end
if number_interval > 0 and number ~= '' then
  paced(get('n:' .. number) or 0, number_interval, 1, 'pace of its caller ID')
end
if get('m:s') == 1 then
  local n, ends = left('m', minute)
  bind(math.floor((n - (urgent and 0 or kept(ends))) / points), 'minute points', ends)
end
local n, ends = left('d', day)
if n then bind(math.floor(n / points), 'day points', ends) end
local share = not urgent and day_share(points)
if share then bind(math.floor(share / points), 'campaign share of the day', math.min(get('d:e'), now + 60000000)) end
if most_calls > 0 then bind(most_calls - redis.call('ZCARD', CALLS), 'calls in progress', now) end
if own_most_calls > 0 then
  bind(own_most_calls - redis.call('ZCARD', OWN_CALLS), 'campaign calls in progress', now)
end
local blk = get('blk') or 0
if blk > now + horizon then bind(0, 'blocked by the provider', blk) end
if room == 0 and behind > math.max(wait, 1000000) then which, wait = "Redis's clock, which was set back", behind end
keep()
return { room, which, math.ceil(wait) }
