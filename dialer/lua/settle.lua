-- Tell the bucket what became of a grant, and what the provider said of its limits.
-- KEYS     as in common.lua
-- ARGV     1 grant id  2 'charged' | 'free' | 'unknown'  3 block for (microseconds, 0: no)
--          4 call goes on: 1 when a call is in progress, so that its place stays taken
--          then, for minute and day, '' where the provider did not say: limit, remaining, seconds to reset
-- returns  1 when the grant was in flight, 0 when it had been settled before
-- A grant that is 'unknown' stays in flight until its lease ends: the provider may have charged it.
local id, fate, block = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = clock()
local points = redis.call('HGET', POINTS, id)

if points and fate ~= 'unknown' then
  redis.call('HINCRBY', S, 'fly', '-' .. points)
  redis.call('HDEL', POINTS, id)
  redis.call('ZREM', FLIGHT, id)
  if fate == 'free' and get('d:s') ~= 1 and (get('d:u') or 0) >= tonumber(points) then
    redis.call('HINCRBY', S, 'd:u', '-' .. points)
  end
end
if tonumber(ARGV[4]) == 0 and fate ~= 'unknown' then
  redis.call('ZREM', CALLS, id)
  redis.call('ZREM', OWN, id)
end

if block > 0 then
  local row = math.min((get('blkn') or 0) + 1, 6)
  put('blkn', row)
  put('blk', math.max(get('blk') or 0, now + block))
elseif fate == 'charged' then
  put('blkn', 0)
end

-- In one window `remaining` only falls, so the lowest figure seen is the newest, whatever order answers come in.
local heard = false
local function calibrate(w, limit, remaining, reset)
  if limit then put(w .. ':l', limit) end
  if not remaining or not reset then return end
  heard = true
  local hi, e, half = now + (reset + 1) * 1000000, get(w .. ':e') or 0, WINDOWS[w] / 2
  if get(w .. ':s') ~= 1 or hi > e + half then
    put(w .. ':s', 1); put(w .. ':e', hi); put(w .. ':v', remaining)
    if not get(w .. ':l') then put(w .. ':l', remaining) end
  elseif hi >= e - half then
    put(w .. ':e', math.min(e, hi)); put(w .. ':v', math.min(get(w .. ':v'), remaining))
  end
end
roll('m', now); roll('d', now)
calibrate('m', tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]))
calibrate('d', tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]))
if heard or fate == 'charged' then put('cold', 0) end
if fate == 'unknown' and get('cold') == 1 then put('cold', 2) end -- that answer will not come: another may ask
return points and 1 or 0
