-- How many calls could start before the horizon. Takes no tokens.
-- KEYS     as in common.lua
-- ARGS     1 horizon  2 points of a call  3 urgency, as in acquire.lua
-- returns  {number of calls, the limit that stops more, microseconds until that limit allows one}
local horizon, points, urgent = tonumber(ARGS[1]), tonumber(ARGS[2]), ARGS[3] == '0'
detect_restart()
reap()
roll('m'); roll('d')

local room, limit_name, wait = math.huge, '', 0
local function restrict(calls, name, free_at)
  if calls < room then room, limit_name, wait = math.max(0, calls), name, math.max(free_at - now, 0) end
end
local function restrict_pace(due, gap, at_once, name)
  local first = math.max(due, now) - gap * (at_once - 1) -- then one each gap, which may be longer than the horizon
  restrict(math.floor((now + horizon - first) / gap) + 1, name, first)
end

local cold = get('cold') or 1
if metered and cold > 0 then
  local awaited = cold == 1 and (get('fly') or 0) > 0
  restrict(awaited and 0 or 1, 'first answer awaited', now)
end
local gap, at_once, pace_name = pace(points, 1)
restrict_pace(get('p') or 0, gap, at_once, pace_name)
if own_interval > 0 then restrict_pace(own.get('p') or 0, own_interval, 1, 'campaign pace') end
if caller_id_interval > 0 and caller_id ~= '' then
  restrict_pace(get('n:' .. caller_id) or 0, caller_id_interval, 1, 'pace of its caller ID')
end
if get('m:s') == 1 then
  local remaining, ends = left('m', minute)
  restrict(math.floor((remaining - (urgent and 0 or reserved(ends))) / points), 'minute points', ends)
end
local remaining, ends = left('d', day)
if remaining then restrict(math.floor(remaining / points), 'day points', ends) end
local share = not urgent and day_share(points)
if share then
  restrict(math.floor(share / points), 'campaign share of the day', math.min(get('d:e'), now + 60000000))
end
if most_calls > 0 then restrict(most_calls - redis.call('ZCARD', CALLS), 'calls in progress', now) end
if own_most_calls > 0 then
  restrict(own_most_calls - redis.call('ZCARD', OWN_CALLS), 'campaign calls in progress', now)
end
local blk = get('blk') or 0
if blk > now + horizon then restrict(0, 'blocked by the provider', blk) end
if room == 0 and behind > math.max(wait, 1000000) then
  limit_name, wait = "Redis's clock, which was set back", behind
end
keep()
return { room, limit_name, math.ceil(wait) }
