-- How many calls the next seconds can carry, taking nothing.
-- KEYS     as in common.lua
-- ARGV     1 horizon  2 campaign  3 interval of the account's pace  4 burst  5 interval of the campaign's pace
--          6 minute points  7 day points  8 calls in progress at the most  9 the same for the campaign  10 metered
--          11 points of a call  12 interval of looks, as in acquire.lua
-- returns  {how many, the limit that binds, microseconds until that limit lets one through}
local horizon, campaign, interval, burst = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local own_interval, minute, day, points = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[11])
local now = clock()
reap(now)

local room, which, wait = math.huge, '', 0
local function bind(n, name, untill)
  if n < room then room, which, wait = n, name, math.max(untill - now, 0) end
end
local function paced(field, gap, at_once, name)
  local free = free_at(field, gap, at_once)
  local first = math.max(free, now - gap * (at_once - 1)) -- then one every gap: a gap may be longer than the horizon
  bind(math.max(0, math.floor((now + horizon - first) / gap) + 1), name, free)
end

if get('m:s') ~= 1 and minute > 0 then
  paced('q', math.floor(WINDOWS.m / minute) * points, 1, 'minute points, paced')
end
paced('p', interval, burst, 'pace')
if own_interval > 0 then paced('p:' .. campaign, own_interval, 1, 'campaign pace') end
if get('m:s') == 1 then
  local n, e = left('m', minute, now)
  local every, kept = tonumber(ARGV[12]), 0
  if every > 0 then kept = math.min(math.ceil((e - now) / every), math.floor(get('m:l') / 4)) end
  bind(math.max(0, math.floor((n - kept) / points)), 'minute points', e)
end
local n, e = left('d', day, now)
if n then bind(math.max(0, math.floor(n / points)), 'day points', e) end
if tonumber(ARGV[8]) > 0 then
  bind(math.max(0, tonumber(ARGV[8]) - redis.call('ZCARD', CALLS)), 'calls in progress', now)
end
if tonumber(ARGV[9]) > 0 then
  bind(math.max(0, tonumber(ARGV[9]) - redis.call('ZCARD', OWN)), 'campaign calls in progress', now)
end
local blk = get('blk') or 0
if blk > now + horizon then bind(0, 'blocked by the provider', blk) end
local cold = get('cold') or 1
if tonumber(ARGV[10]) == 1 and cold > 0 then
  local asked = cold == 1 and (get('fly') or 0) > 0
  bind(asked and 0 or 1, 'first answer awaited', now)
end
return { room, which, wait }
