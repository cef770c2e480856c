-- Take the tokens for one request from all of an account's limits at once, or from none; else a place in the line.
-- For several requests of one campaign: for as many of them as there is room for, under one place in the line.
-- KEYS     as in common.lua
-- ARGV     after those of common.lua: 18 grant id, the ticket too  19 points  20 tokens of the pace  21 flight lease
--          22 call lease (0: this is no call)  23 urgency: 0 urgent (before the line), 1 sooner than first tries, 2 else
--          24 … ids of further requests of the same cost
-- returns  {how many, microseconds until they begin, ''} when tokens are yours: those of the first ids (the same again
--          for the same ids);
--          {0, microseconds to wait before asking again, the limit that binds};
--          {-1, a limit that can never hold so much, its name}
local id, points, tokens = ARGV[18], tonumber(ARGV[19]), tonumber(ARGV[20])
local is_call, urgency = tonumber(ARGV[22]) > 0, tonumber(ARGV[23])
local urgent = urgency == 0

local ids = { id, unpack(ARGV, 24) }
local before = read_grant(redis.call('HGET', GRANTS, id))
if before or redis.call('ZSCORE', CALLS, id) then
  local had = 1
  while ids[had + 1] and redis.call('HEXISTS', GRANTS, ids[had + 1]) == 1 do had = had + 1 end
  return { had, before and math.max(0, before.at - now) or 0, '' }
end
for i = 2, #ids do -- up to the first that has its tokens already
  if redis.call('HEXISTS', GRANTS, ids[i]) == 1 or redis.call('ZSCORE', CALLS, ids[i]) then
    ids = { unpack(ids, 1, i - 1) }
    break
  end
end
wake()
reap()
roll('m'); roll('d')

for w, limit in pairs({ m = minute, d = day }) do
  limit = get(w .. ':s') == 1 and get(w .. ':l') or limit
  if limit > 0 and points > limit then
    keep()
    return { -1, limit, w == 'm' and 'minute points' or 'day points' }
  end
end

local room = #ids
local wait, which, starts = 0, '', now
local function bind(untill, name)
  if untill - now > wait then wait, which = untill - now, name end
end
-- Room for some of the requests is room enough; for none, this limit binds.
local function fit(there, untill, name)
  room = math.min(room, math.floor(there))
  if there < 1 then bind(untill, name) end
end
local gap, at_once, pace_name, before_it = pace(points, tokens)
-- A slot may be taken as soon as it is the next one and close, not before: a place in the line is to be revocable.
-- Who waits is told to come a little after that, for who has just been served may be next again, by weight.
local soon = math.min(gap, COMMIT)
local grace = math.min(gap / 8, GRACE)
local function slot(untill, name)
  if untill - now > soon then bind(untill - soon + grace, name) else starts = math.max(starts, math.ceil(untill)) end
end

-- The campaign's own limits first: a capped campaign must not hold the others.
if own_interval > 0 then slot(own.get('p') or 0, 'campaign pace') end
if number_interval > 0 and number ~= '' then slot(get('n:' .. number) or 0, 'pace of its caller ID') end
if is_call and own_most_calls > 0 then
  fit(own_most_calls - redis.call('ZCARD', OWN_CALLS), now + 500000, 'campaign calls in progress')
end
local share = is_call and not urgent and day_share(points)
if share then fit(share / points, math.min(get('d:e'), now + 60000000), 'campaign share of the day') end
if wait > 0 then
  out_of_line(id)
  keep()
  return { 0, wait, which }
end

if is_call and most_calls > 0 then fit(most_calls - redis.call('ZCARD', CALLS), now + 500000, 'calls in progress') end
bind(get('blk') or 0, 'blocked by the provider')
local awaited = metered and get('cold') == 1 and (get('fly') or 0) > 0
if awaited then bind(now + 50000, 'first answer awaited') end
if metered and (get('cold') or 1) > 0 then room = math.min(room, 1) end
if get('m:s') == 1 then
  local there, ends = left('m', minute)
  local leaves = is_call and not urgent and kept(ends) or 0
  local opens = ends
  if points <= there then -- what is kept is freed towards the reset
    opens = kept_part > 0 and LENGTH.m / (kept_part * math.max(1, get('m:l'))) or look_every
    if look_every > 0 then opens = math.min(opens, look_every) end
    opens = math.min(ends, now + math.max(opens, 100000))
  end
  fit((there - leaves) / points, opens, 'minute points')
end
local there, day_ends = left('d', day)
if there then fit(there / points, day_ends, 'day points') end

-- The line: by start tags, as fair queueing has it, so that a campaign's weight counts and not how many ask for it.
local paced = is_call or not metered -- looks are no calls: where points alone are counted, they stand in no line
-- What is urgent stands before them all and pays for no place: who waits is to see it there, and let it by.
local queued = paced
local f = urgency == 1 and 'fs' or 'f'
local cost = room * points / weight
local tag, finish, ahead = nil, nil, 0
if queued then
  local waiting = (get('lt') or 0) > 0 and redis.call('ZCARD', LINE) or 0
  tag = waiting > 0 and tonumber(redis.call('ZSCORE', LINE, id) or nil) or nil
  local rank
  if tag then
    rank = redis.call('ZRANK', LINE, id)
  elseif urgent then
    tag, finish = BEFORE_ALL, BEFORE_ALL
    rank = waiting > 0 and redis.call('ZCOUNT', LINE, '-inf', fmt(tag)) or 0
  else
    local V = get('V') or 0
    tag = math.max(V, own and own.get(f) or V)
    finish = tag + cost
    rank = waiting > 0 and redis.call('ZCOUNT', LINE, '-inf', fmt(tag)) or 0
  end
  if rank > 0 and rank <= 8 then
    for _, ticket in ipairs(redis.call('ZRANGE', LINE, 0, rank - 1)) do
      ahead = ahead + tonumber(string.match(redis.call('HGET', TICKETS, ticket), '^%S+'))
    end
  elseif rank > 0 then
    ahead = rank * math.max(1, (get('lt') or waiting) / waiting)
  end
end
if paced and not awaited then
  slot(math.max((get('p') or 0) + before_it, now) - gap * (at_once - 1) + ahead * gap, pace_name)
end

-- First tries pay for what went before them, but not for ever.
local function charge_line()
  if not own or not finish or urgent then return end
  own.put(f, finish)
  if urgency == 1 then
    local V = get('V') or 0
    own.put('f', math.min(math.max(V, own.get('f') or V) + cost, V + 64 * cost))
  end
end

if wait > 0 then
  wait = math.ceil(wait)
  if queued and (urgent or wait <= 5000000) then
    if finish then
      charge_line()
      redis.call('ZADD', LINE, fmt(tag), id)
      redis.call('HSET', TICKETS, id, tokens * #ids .. ' ' .. fmt(finish) .. ' ' .. urgency .. ' ' .. campaign)
      put('lt', (get('lt') or 0) + tokens * #ids)
    end
    redis.call('ZADD', BEATS, fmt(now + wait + BEAT), id)
  else
    out_of_line(id)
  end
  keep()
  return { 0, wait, which }
end

out_of_line(id)
if queued then
  charge_line()
  put('V', math.max(get('V') or 0, tag))
end
if get('cold') == 2 then put('cold', 1) end
local after = get('p') or 0
if paced then
  after = math.max(after + before_it, now) + gap * tokens * room
  put('p', after)
end
if own_interval > 0 then own.put('p', math.max(own.get('p') or 0, starts) + own_interval * room) end
if number_interval > 0 and number ~= '' then
  put('n:' .. number, math.max(get('n:' .. number) or 0, starts) + number_interval * room)
end
if get('d:s') ~= 1 and there then put('d:u', (get('d:u') or 0) + points * room) end
if own and there then
  if own.get('un') ~= get('d:n') then own.put('un', get('d:n')); own.put('u', 0) end
  own.put('u', own.get('u') + points * room)
end
put('fly', (get('fly') or 0) + points * room)
local grant = table.concat({ points, tokens, fmt(starts), fmt(after), get('d:n') or 0, campaign }, ' ')
for i = 1, room do
  redis.call('HSET', GRANTS, ids[i], grant)
  redis.call('ZADD', FLIGHT, fmt(starts + tonumber(ARGV[21])), ids[i])
  if is_call then
    redis.call('ZADD', CALLS, fmt(starts + tonumber(ARGV[22])), ids[i])
    redis.call('ZADD', OWN_CALLS, fmt(starts + tonumber(ARGV[22])), ids[i])
  end
end
keep()
return { room, math.max(0, starts - now), '' }
