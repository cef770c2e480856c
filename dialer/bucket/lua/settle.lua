-- Tell the bucket what became of a grant, and what the provider said of its limits.
-- KEYS     as in common.lua
-- ARGV     after those of common.lua: 18 grant id  19 'charged' | 'free' | 'unsent' | 'unknown'  20 block for (0: no)
--          21 call goes on: 1 when a call is in progress, so that its place stays taken
--          then, for minute and day, '' where the provider did not say: limit, remaining, seconds to reset
-- returns  1 when the grant was in flight, 0 when it had been settled before
-- A grant that is 'unknown' stays in flight until its lease ends: the provider may have charged it.
local id, fate, block = ARGV[18], ARGV[19], tonumber(ARGV[20])
local grant = read_grant(redis.call('HGET', GRANTS, id))
local told = { m = tonumber(ARGV[23]) and tonumber(ARGV[24]), d = tonumber(ARGV[26]) and tonumber(ARGV[27]) }
roll('m'); roll('d')

-- What our own campaigns took of a window, and what is left of it where the provider does not say.
local function charge(w)
  put(w .. ':c', (get(w .. ':c') or 0) + grant.points)
  if get(w .. ':s') == 1 and not told[w] then put(w .. ':v', get(w .. ':v') - grant.points) end
end

local function give_back()
  if grant.day ~= (get('d:n') or 0) then return end -- never into a later window
  if get('d:s') ~= 1 then put('d:u', math.max(0, (get('d:u') or 0) - grant.points)) end
  if own and own.get('un') == grant.day then own.put('u', math.max(0, own.get('u') - grant.points)) end
end

if grant and fate ~= 'unknown' then
  put('fly', math.max(0, (get('fly') or 0) - grant.points))
  redis.call('HDEL', GRANTS, id)
  redis.call('ZREM', FLIGHT, id)
  if fate == 'charged' then charge('m'); charge('d') else give_back() end
  -- Nobody has booked behind it: the pace may go back. The provider never saw it.
  if fate == 'unsent' and get('p') == grant.after then put('p', math.max(0, grant.after - interval * grant.tokens)) end
end
-- What one call costs shows where nothing else is in flight. Said, never used: that others take points meanwhile looks alike.
local function see_cost(remaining, reset)
  if fate ~= 'charged' or not grant or not reset or get('m:s') ~= 1 or get('fly') ~= 0 then return end
  local apart = math.abs(now + (reset + 1) * 1000000 - get('m:e'))
  local drop = get('m:v') - remaining
  if drop <= 0 or apart > LENGTH.m / 2 or not redis.call('ZSCORE', CALLS, id) then return end
  put('cn', get('cc') == drop and get('cn') + 1 or 1)
  put('cc', drop)
end
if told.m then see_cost(tonumber(ARGV[23]), tonumber(ARGV[24])) end

if ARGV[21] == '0' and fate ~= 'unknown' then
  redis.call('ZREM', CALLS, id)
  redis.call('ZREM', OWN_CALLS, id)
end

local heard = false
-- In one window `remaining` only falls, so the lowest figure seen is the newest, whatever order answers come in.
local function calibrate(w, limit, remaining, reset)
  if limit then put(w .. ':l', limit) end
  if not remaining or not reset then return end
  heard = true
  put(w .. ':h', now)
  local ends, half = get(w .. ':e') or 0, LENGTH[w] / 2
  local hi = now + (reset + 1) * 1000000 -- whole seconds: it ends no later
  if w == 'm' and get('m:s') ~= 1 then put('p', math.min(get('p') or 0, now + interval)) end -- blind no more
  local seen = get(w .. ':s') == 1
  if not seen or hi > ends + half then
    begin_window(w, hi, remaining)
    put(w .. ':s', 1)
    if not get(w .. ':l') then put(w .. ':l', remaining) end
    if grant and fate == 'charged' then put(w .. ':c', grant.points) end
    if not seen then put(w .. ':b', math.max(0, get(w .. ':l') - remaining - get(w .. ':c'))) end
  elseif hi >= ends - half then
    put(w .. ':e', math.min(ends, hi)); put(w .. ':v', math.min(get(w .. ':v'), remaining))
  end
end
calibrate('m', tonumber(ARGV[22]), tonumber(ARGV[23]), tonumber(ARGV[24]))
calibrate('d', tonumber(ARGV[25]), tonumber(ARGV[26]), tonumber(ARGV[27]))

if block > 0 then
  -- Requests that had left when the first refusal was heard are refused for the same haste: they count once.
  local again = grant and grant.at <= (get('blkat') or -1)
  local row = math.min((get('blkn') or 0) + (again and 0 or 1), 7)
  math.randomseed(now % 2147483647)
  local patience = math.min(60, 2 ^ (row - 1)) * 1000000 * (1 + 0.1 * math.random())
  put('blk', math.max(get('blk') or 0, now + math.max(block, (heard or again) and 0 or patience)))
  if not again then
    put('blkn', row); put('blkat', now)
    if not heard then -- it counts requests, not points: we were too fast for it
      put('slow', math.min(16, slowness() * 2)); put('slowat', now)
    end
  end
elseif fate == 'charged' then
  put('blkn', 0)
end
if heard or fate == 'charged' then put('cold', 0) end
if fate == 'unknown' and get('cold') == 1 then put('cold', 2) end -- that answer will not come: another may ask
keep()
return grant and 1 or 0
