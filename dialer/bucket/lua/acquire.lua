-- Take the tokens for one request from all of an account's limits, or from none and get a place in the queue.
-- For several requests of one campaign: for as many of them as the limits allow, with one place in the queue.
-- KEYS     as in common.lua
-- ARGS     1 grant id, which is the ticket too  2 points  3 tokens of the pace  4 flight lease
--          5 call lease (0: the request starts no call)
--          6 urgency: 0 urgent (before the queue), 1 before the campaign's first tries, 2 normal
--          7 how long the requests take to prepare: their slots begin no sooner, where sooner ones are not wanted
--          8 … ids of further requests of the same cost
-- returns  {number of granted ids from the first on, microseconds until the slot of the first, '', microseconds from one
--          slot to the next}, the same when repeated; a slot that has begun already is as many microseconds ago;
--          {0, microseconds to wait before asking again, the limit that was hit};
--          {-1, the limit that the points exceed, its name}
local id, points, tokens = ARGS[1], tonumber(ARGS[2]), tonumber(ARGS[3])
local flight_lease, call_lease = tonumber(ARGS[4]), tonumber(ARGS[5])
local is_call, urgency = call_lease > 0, tonumber(ARGS[6])
local urgent, lead = urgency == 0, tonumber(ARGS[7])

local ids = { id, unpack(ARGS, 8) }
local earlier = read_grant(redis.call('HGET', GRANTS, id))
if earlier or redis.call('ZSCORE', CALLS, id) then
  local granted = 1
  while ids[granted + 1] and redis.call('HEXISTS', GRANTS, ids[granted + 1]) == 1 do granted = granted + 1 end
  return { granted, earlier and earlier.at - now or 0, '', math.max((pace(points, tokens)) * tokens, own_interval) }
end
for i = 2, #ids do -- up to the first that has its tokens already
  if redis.call('HEXISTS', GRANTS, ids[i]) == 1 or redis.call('ZSCORE', CALLS, ids[i]) then
    ids = { unpack(ids, 1, i - 1) }
    break
  end
end
detect_restart()
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
local wait, limit_name = 0, ''
-- A limit allows nothing before this time.
local function delay(free_at, name)
  if free_at - now > wait then wait, limit_name = free_at - now, name end
end
-- A limit has room for so many requests; when for none, it delays them all.
local function fit(available, free_at, name)
  room = math.min(room, math.floor(available))
  if available < 1 then delay(free_at, name) end
end
local gap, at_once, pace_name, distance_before = pace(points, tokens)
-- A slot of the pace is granted only when it is the next one and near, so that a place in the queue can be revoked
-- until then: as near as the slots of these requests reach, and `lead` before that, or those who prepare longer than a
-- slot lasts would come too late for the next one, and it would be lost. Waiting requests are asked to return slightly
-- later, because the campaign that has just been served may be next again, by weight.
local soon = math.min(gap * #ids, COMMIT) + lead
local grace = math.min(gap / 8, GRACE)
-- Slots that lie further ahead are not granted with the first: their requests, written meanwhile, would wait too long.
local widest = math.max(gap * tokens, own_interval, caller_id ~= '' and caller_id_interval or 0)
room = math.min(room, math.max(1, math.floor(AHEAD / widest)))
local function slot(free_at, name)
  if free_at - now > soon then delay(free_at - soon + grace, name) end
end

-- The campaign's own limits first: a capped campaign must not take a place that delays the others.
if own_interval > 0 then slot(own.get('p') or 0, 'campaign pace') end
if caller_id_interval > 0 and caller_id ~= '' then slot(get('n:' .. caller_id) or 0, 'pace of its caller ID') end
if is_call and own_most_calls > 0 then
  fit(own_most_calls - redis.call('ZCARD', OWN_CALLS), now + 500000, 'campaign calls in progress')
end
local share = is_call and not urgent and day_share(points)
if share then fit(share / points, math.min(get('d:e'), now + 60000000), 'campaign share of the day') end
if wait > 0 then
  leave_queue(id)
  keep()
  return { 0, wait, limit_name }
end

if is_call and most_calls > 0 then fit(most_calls - redis.call('ZCARD', CALLS), now + 500000, 'calls in progress') end
delay(get('blk') or 0, 'blocked by the provider')
local awaited = metered and get('cold') == 1 and (get('fly') or 0) > 0
if awaited then delay(now + 50000, 'first answer awaited') end
if metered and (get('cold') or 1) > 0 then room = math.min(room, 1) end
if get('m:s') == 1 then
  local remaining, ends = left('m', minute)
  local unused = is_call and not urgent and reserved(ends) or 0
  local opens = ends
  if points <= remaining then -- the reserve shrinks towards the reset
    opens = reserved_share > 0 and LENGTH.m / (reserved_share * math.max(1, get('m:l'))) or poll_interval
    if poll_interval > 0 then opens = math.min(opens, poll_interval) end
    opens = math.min(ends, now + math.max(opens, 100000))
  end
  fit((remaining - unused) / points, opens, 'minute points')
end
local day_left, day_ends = left('d', day)
if day_left then fit(day_left / points, day_ends, 'day points') end

-- The queue is ordered by start tags (start-time fair queueing), so that a campaign's weight counts and not the number
-- of workers that ask for it. An urgent request goes before all others and is charged nothing: it takes a place only so
-- that waiting requests see it. Polls start no call: where the provider counts points alone, they do not queue.
local paced = is_call or not metered
local finish_field = urgency == 1 and 'fs' or 'f'
local cost = room * points / weight
local tag, finish, ahead = nil, nil, 0
if paced then
  local waiting = (get('lt') or 0) > 0 and redis.call('ZCARD', QUEUE) or 0
  tag = waiting > 0 and tonumber(redis.call('ZSCORE', QUEUE, id) or nil) or nil
  local rank
  if tag then
    rank = redis.call('ZRANK', QUEUE, id)
  elseif urgent then
    tag, finish = BEFORE_ALL, BEFORE_ALL
    rank = waiting > 0 and redis.call('ZCOUNT', QUEUE, '-inf', fmt(tag)) or 0
  else
    local V = get('V') or 0
    tag = math.max(V, own and own.get(finish_field) or V)
    finish = tag + cost
    rank = waiting > 0 and redis.call('ZCOUNT', QUEUE, '-inf', fmt(tag)) or 0
  end
  if rank > 0 and rank <= 8 then
    for _, ticket in ipairs(redis.call('ZRANGE', QUEUE, 0, rank - 1)) do
      ahead = ahead + tonumber(string.match(redis.call('HGET', TICKETS, ticket), '^%S+'))
    end
  elseif rank > 0 then
    ahead = rank * math.max(1, (get('lt') or waiting) / waiting)
  end
end
if paced and not awaited then
  slot(math.max((get('p') or 0) + distance_before, now) - gap * (at_once - 1) + ahead * gap, pace_name)
end

-- What the provider refuses costs nothing, and only its answer tells how things stand. So a request that starts no call
-- may go although nothing is left by our books: an operator's always, a poll once in a poll interval, as a probe.
if not paced and (wait > 0 or room < 1) then
  local probe_at = urgent and now or poll_interval > 0 and (get('probe') or 0) or math.huge
  if probe_at <= now then
    wait, room = 0, 1
    if not urgent then put('probe', now + poll_interval) end
  else
    wait = math.min(wait, probe_at - now)
  end
end

-- Advance the campaign's tags. Retries are charged to its first tries too, within bounds, so that these are not delayed
-- without end.
local function charge_queue()
  if not own or not finish or urgent then return end
  own.put(finish_field, finish)
  if urgency == 1 then
    local V = get('V') or 0
    own.put('f', math.min(math.max(V, own.get('f') or V) + cost, V + 64 * cost))
  end
end

if wait > 0 then
  wait = math.ceil(wait)
  if paced and (urgent or wait <= 5000000) then
    if finish then
      charge_queue()
      redis.call('ZADD', QUEUE, fmt(tag), id)
      redis.call('HSET', TICKETS, id, tokens * math.max(1, room) .. ' ' .. fmt(finish) .. ' ' .. urgency .. ' ' .. campaign)
      put('lt', (get('lt') or 0) + tokens * math.max(1, room))
    end
    redis.call('ZADD', HEARTBEATS, fmt(now + wait + HEARTBEAT), id)
  else
    leave_queue(id)
  end
  keep()
  return { 0, wait, limit_name }
end

leave_queue(id)
if paced then
  charge_queue()
  put('V', math.max(get('V') or 0, tag))
end
if get('cold') == 2 then put('cold', 1) end
local begins, spacing = now, 0
if paced then
  begins, spacing = take_slots(room, tokens, gap, at_once, distance_before, lead)
end
if get('d:s') ~= 1 and day_left then put('d:u', (get('d:u') or 0) + points * room) end
if own and day_left then
  if own.get('un') ~= get('d:n') then own.put('un', get('d:n')); own.put('u', 0) end
  own.put('u', own.get('u') + points * room)
end
put('fly', (get('fly') or 0) + points * room)
local grant =
  table.concat({ points, paced and tokens or 0, fmt(begins), fmt(get('p') or 0), get('d:n') or 0, campaign }, ' ')
for i = 1, room do
  redis.call('HSET', GRANTS, ids[i], grant)
  redis.call('ZADD', FLIGHT, fmt(now + flight_lease), ids[i])
  if is_call then
    redis.call('ZADD', CALLS, fmt(now + call_lease), ids[i])
    redis.call('ZADD', OWN_CALLS, fmt(now + call_lease), ids[i])
  end
end
keep()
return { room, begins - now, '', spacing }
