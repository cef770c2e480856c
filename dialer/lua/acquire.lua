-- Take the tokens for one call from all of an account's limits at once, or from none.
-- KEYS     as in common.lua
-- ARGV     1 grant id  2 points  3 flight lease  4 call lease (0: this is no call)  5 campaign
--          6 interval of the account's pace  7 burst  8 interval of the campaign's pace (0: none)
--          9 minute points  10 day points (0: not known here)  11 calls in progress at the most  12 the same for the
--          campaign (0: any)  13 metered: 1 when the provider tells its own figures  14 interval of looks at the
--          calls in progress, whose points a call leaves in the minute (0: none)
-- returns  {1, 0, ''} when the tokens are yours (again, for the same id);
--          {0, microseconds to wait, the limit that binds}
local id, points, campaign = ARGV[1], tonumber(ARGV[2]), ARGV[5]
local interval, burst, own_interval = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local now = clock()
if redis.call('HEXISTS', POINTS, id) == 1 or redis.call('ZSCORE', CALLS, id) then return { 1, 0, '' } end
reap(now)

local wait, which = 0, ''
local function bind(untill, name)
  if untill - now > wait then wait, which = untill - now, name end
end

-- The campaign's own limits first: a capped campaign must not hold the others.
if own_interval > 0 then bind(free_at('p:' .. campaign, own_interval, 1), 'campaign pace') end
local is_call = tonumber(ARGV[4]) > 0
if is_call and tonumber(ARGV[12]) > 0 and redis.call('ZCARD', OWN) >= tonumber(ARGV[12]) then
  bind(now + 500000, 'campaign calls in progress')
end
if is_call and tonumber(ARGV[11]) > 0 and redis.call('ZCARD', CALLS) >= tonumber(ARGV[11]) then
  bind(now + 500000, 'calls in progress')
end

bind(get('blk') or 0, 'blocked by the provider')
if not get('cold') then put('cold', 1) end
local metered = tonumber(ARGV[13]) == 1
if metered and get('cold') == 1 and (get('fly') or 0) > 0 then bind(now + 50000, 'first answer awaited') end

-- A minute that the provider gives no figures for has a phase we do not know: pacing is the only safe reading.
local minute = tonumber(ARGV[9])
local blind = get('m:s') ~= 1 and minute > 0 and math.floor(WINDOWS.m / minute) * points or 0
if blind > 0 then bind(free_at('q', blind, 1), 'minute points, paced') end
-- Looks are no calls: where the provider counts points only, they need not stand in line with the calls they follow.
local paced = is_call or not metered
if paced then bind(free_at('p', interval, burst), 'pace') end
if get('m:s') == 1 then
  local minute_left, minute_end = left('m', minute, now)
  -- A call that nobody could follow any more had better wait for the next minute.
  local every, kept = tonumber(ARGV[14]), 0
  if is_call and every > 0 then kept = math.min(math.ceil((minute_end - now) / every), math.floor(get('m:l') / 4)) end
  if points + kept > minute_left then bind(minute_end, 'minute points') end
end
local day_left, day_end = left('d', tonumber(ARGV[10]), now)
if day_left and points > day_left then bind(day_end, 'day points') end
if wait > 0 then return { 0, wait, which } end

if get('cold') == 2 then put('cold', 1) end
if paced then put('p', math.max(get('p') or 0, now - interval * (burst - 1)) + interval) end
if blind > 0 then put('q', math.max(get('q') or 0, now) + blind) end
if own_interval > 0 then put('p:' .. campaign, math.max(get('p:' .. campaign) or 0, now) + own_interval) end
if get('d:s') ~= 1 and day_left then redis.call('HINCRBY', S, 'd:u', points) end
redis.call('HINCRBY', S, 'fly', points)
redis.call('HSET', POINTS, id, points)
redis.call('ZADD', FLIGHT, fmt(now + tonumber(ARGV[3])), id)
if is_call then
  redis.call('ZADD', CALLS, fmt(now + tonumber(ARGV[4])), id)
  redis.call('ZADD', OWN, fmt(now + tonumber(ARGV[4])), id)
end
return { 1, 0, '' }
