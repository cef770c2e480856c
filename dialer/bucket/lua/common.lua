-- Keys, arguments and functions that all scripts of a token bucket use. This text is put in front of each script.
-- KEYS[1]  the bucket's state, a hash of
--            last          largest time seen
--            run           the Redis server's run id
--            cold          1 until the provider's first answer; 2 when that answer was lost and none is awaited
--            blk blkn blkat  blocked until; blocks in a row; when the last one was reported
--            probe         when a poll may ask again although nothing is left
--            slow slowat   by what factor the gaps are longer than the pace's; since when
--            p             pace: when the next token is due
--            V lt          the queue: its virtual time; the tokens that its tickets ask for
--            r             when leases are examined next
--            fly           points in flight
--            W             sum of the campaigns' weights of the day
--            cc cn         points that a call took when nothing else was in flight; how often in a row
--            m:* d:*       minute and day: l limit, v lowest remaining, e end, s 1 when the figures are the provider's,
--                          n number of the window, h when figures last came, c points charged to this bucket,
--                          b points used before the first figures came, u points used where the provider gives none
-- KEYS[2]  grants in flight: zset, grant id -> lease end
-- KEYS[3]  grants: hash, grant id -> points, tokens (0: a request that starts no call, and is not paced), when it
--          begins, the pace after it, number of the day, campaign
-- KEYS[4]  calls in progress: zset, grant id -> lease end
-- KEYS[5]  the campaign's calls in progress: likewise
-- KEYS[6]  the queue: zset, ticket (a grant id) -> start tag
-- KEYS[7]  heartbeats of the queue: zset, ticket -> when it is removed unless asked for again
-- KEYS[8]  tickets of the queue: hash, ticket -> tokens, finish tag, urgency, campaign
-- KEYS[9]  the campaign, a hash of p (pace), f and fs (finish tags of its first tries and of its retries), w (weight in
--          the day), u and un (points used in day number un), x (when its expiry was last set)
-- ARGV     1 now ('' asks Redis)  2 gap between calls of the pace  3 burst
--          4 minute points  5 day points (0: not known)  6 length of a minute  7 length of a day
--          8 most calls in progress (0: any)  9 metered: 1 when the provider gives its own figures
--          10 time between polls for the calls in progress, for which calls leave points in the
--          minute (0: none)  11 share of the minute reserved for urgent requests
--          12 campaign  13 gap of its pace (0: none)  14 its most calls in progress  15 its weight
--          16 its caller ID, hashed  17 gap of a caller ID's pace (0: none)
--          18 slowdown after a refusal: gaps are so many times longer  19 most slowdown
--          20 recovery: gaps are divided by this  21 each time so long has passed
--          22 … the script's own arguments, ARGS[1] …
-- All times are whole microseconds of Redis's own clock, which never runs backwards here. The account's eight keys do
-- not expire, because a forgotten limit is an exceeded limit. A campaign's hash expires days after its last call.
local S, FLIGHT, GRANTS, CALLS, OWN_CALLS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local QUEUE, HEARTBEATS, TICKETS, OWN = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local interval, burst, minute, day = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local LENGTH = { m = tonumber(ARGV[6]), d = tonumber(ARGV[7]) }
local most_calls, metered, poll_interval = tonumber(ARGV[8]), ARGV[9] == '1', tonumber(ARGV[10])
local reserved_share, campaign, own_interval = tonumber(ARGV[11]), ARGV[12], tonumber(ARGV[13])
local own_most_calls, weight = tonumber(ARGV[14]), tonumber(ARGV[15])
local caller_id, caller_id_interval = ARGV[16], tonumber(ARGV[17])
local SLOWDOWN, MAX_SLOWDOWN = tonumber(ARGV[18]), tonumber(ARGV[19])
local RECOVERY, RECOVERY_INTERVAL = tonumber(ARGV[20]), tonumber(ARGV[21])
local ARGS = {}
for i = 22, #ARGV do ARGS[i - 21] = ARGV[i] end
local HEARTBEAT, COMMIT, GRACE, REAP_INTERVAL, SAME_SERVER = 250000, 200000, 2000, 10000, 1000
local AHEAD = 500000
local CAMPAIGN_EXPIRY_SECONDS, HOUR = 259200, 3600000000
local BEFORE_ALL = -1 -- a start tag: all others are zero or more

local function fmt(n) return string.format(n % 1 == 0 and '%.0f' or '%.17g', n) end

-- A hash that is read once, and written once by `keep`.
local function cached(key)
  local flat, fields, changed = redis.call('HGETALL', key), {}, {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return {
    get = function(name) return tonumber(fields[name]) end,
    text = function(name) return fields[name] end,
    put = function(name, value)
      if type(value) == 'number' then value = fmt(value) end
      fields[name] = value; changed[name] = true
    end,
    keep = function()
      local args = {}
      for name in pairs(changed) do args[#args + 1] = name; args[#args + 1] = fields[name] end
      if #args > 0 then redis.call('HSET', key, unpack(args)) end
    end,
  }
end

local state = cached(S)
local get, put = state.get, state.put
local own = campaign ~= '' and cached(OWN) or nil

local given = tonumber(ARGV[1])
if not given then
  local t = redis.call('TIME')
  given = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local now = math.max(given, get('last') or 0)
local behind = now - given -- Redis's clock was set back: `now` stands still until it has caught up
local surely_same_server = ARGV[1] == '' and get('last') and now > get('last') and now - get('last') < SAME_SERVER

-- A window ends within its own length, and no block outlasts two days: what says otherwise was believed by mistake.
for w, length in pairs(LENGTH) do
  if (get(w .. ':e') or 0) > now + 2 * length + 10000000 then put(w .. ':e', now + length) end
end
if (get('blk') or 0) > now + 2 * 86400000000 then put('blk', now) end

-- Write what has changed. Scripts that change nothing need not call it.
local function keep()
  put('last', now)
  state.keep()
  if own then
    if now - (own.get('x') or 0) > HOUR then own.put('x', now) end
    own.keep()
    if own.get('x') == now then redis.call('EXPIRE', OWN, CAMPAIGN_EXPIRY_SECONDS) end
  end
end

-- After a restart or a failover of Redis the figures may be lost or old, so they are not trusted: no burst is granted,
-- and one request learns the provider's figures. No server restarts within a millisecond of its last script, so within
-- that time the run id is not looked up.
local function detect_restart()
  if surely_same_server then return end
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
  if state.text('run') == run then return end
  put('run', run); put('cold', 1)
  put('m:s', 0); put('d:s', 0)
  put('p', math.max(get('p') or 0, now + interval * (burst - 1)))
end

-- A grant as the hash of grants stores it.
local function read_grant(text)
  if not text then return nil end
  local points, tokens, at, after, day_number, of_campaign = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) (.*)$')
  return {
    points = tonumber(points), tokens = tonumber(tokens), at = tonumber(at), after = tonumber(after),
    day = tonumber(day_number), campaign = of_campaign,
  }
end

-- Remove a ticket from the queue; true if it was there.
local function leave_queue(ticket)
  if (get('lt') or 0) == 0 then return false end -- the queue is empty
  local tokens = string.match(redis.call('HGET', TICKETS, ticket) or '', '^%S+')
  if not tokens then return false end
  redis.call('HDEL', TICKETS, ticket); redis.call('ZREM', QUEUE, ticket); redis.call('ZREM', HEARTBEATS, ticket)
  put('lt', math.max(0, (get('lt') or 0) - tonumber(tokens)))
  return true
end

-- Remove grants and calls whose lease has ended, and tickets not asked for again: their worker has died.
local function reap()
  if now < (get('r') or 0) then return end
  put('r', now + REAP_INTERVAL)
  for _, ticket in ipairs(redis.call('ZRANGEBYSCORE', HEARTBEATS, '-inf', fmt(now), 'LIMIT', 0, 32)) do
    leave_queue(ticket)
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', FLIGHT, '-inf', fmt(now), 'LIMIT', 0, 32)) do
    local grant = read_grant(redis.call('HGET', GRANTS, id))
    if grant then put('fly', math.max(0, (get('fly') or 0) - grant.points)) end
    redis.call('HDEL', GRANTS, id); redis.call('ZREM', FLIGHT, id)
  end
  redis.call('ZREMRANGEBYSCORE', CALLS, '-inf', fmt(now))
  redis.call('ZREMRANGEBYSCORE', OWN_CALLS, '-inf', fmt(now))
end

local function begin_window(w, ends, remaining)
  put(w .. ':e', ends); put(w .. ':v', remaining); put(w .. ':u', 0)
  put(w .. ':c', 0); put(w .. ':b', 0)
  put(w .. ':n', (get(w .. ':n') or 0) + 1)
end

-- Begin the provider's next window when this one has ended; stop trusting its figures when none came for two windows.
local function roll(w)
  local ends, limit = get(w .. ':e'), get(w .. ':l')
  if not ends or not limit or now < ends then return end
  begin_window(w, ends + LENGTH[w] * (math.floor((now - ends) / LENGTH[w]) + 1), limit)
  if now - (get(w .. ':h') or 0) > 2 * LENGTH[w] then put(w .. ':s', 0) end
end

-- Points left in a window, and when it ends; nil when it has no limit.
local function left(w, own_limit)
  roll(w)
  if get(w .. ':s') == 1 then return get(w .. ':v') - (get('fly') or 0), get(w .. ':e') end
  local limit = own_limit > 0 and own_limit or (w == 'd' and get('d:l') or 0)
  if limit == 0 then return nil end
  if not get(w .. ':e') then begin_window(w, now + LENGTH[w], limit) end
  put(w .. ':l', limit)
  return limit - (get(w .. ':u') or 0), get(w .. ':e')
end

-- The factor by which gaps are longer than the pace's, since the provider refused requests as too fast.
local function slowness()
  local slow = get('slow') or 1
  return slow > 1 and math.max(1, slow / RECOVERY ^ math.floor((now - get('slowat')) / RECOVERY_INTERVAL)) or 1
end

-- The pace in force: gap between calls, burst, name, and the extra distance to the request before.
-- Without the provider's figures nobody knows when its minute begins. Then only even spacing is safe, and a request of
-- several points keeps its distance on both sides. Otherwise the account's pace, slower for a while after a refusal.
local function pace(points, tokens)
  local slow = slowness()
  local gap, at_once, name = interval * slow, burst, 'pace'
  local limit = minute > 0 and minute or get('m:l') or 0
  if get('m:s') ~= 1 and limit > 0 then
    local blind = math.ceil(LENGTH.m / limit)
    if blind * points / tokens > gap then
      return blind * points / tokens, 1, 'minute points, paced', blind * (points - 1)
    end
  end
  return gap, at_once, name, 0
end

-- Points of the minute that calls leave unused: for polling the calls in progress, and for urgent requests.
local function reserved(ends)
  local limit, time = get('m:l') or 0, math.max(0, ends - now)
  local polls = poll_interval > 0 and math.min(math.ceil(time / poll_interval), math.floor(limit / 4)) or 0
  return math.max(polls, math.floor(reserved_share * limit * time / LENGTH.m))
end

-- Points that the campaign may still use of its share of the day: its weight's part of what is left and what all
-- campaigns have used. nil when the day is not shared.
local function day_share(points)
  local day_weight = own and own.get('w')
  local remaining = left('d', day)
  if not day_weight or not remaining or (get('W') or 0) <= 0 then return nil end
  local used = own.get('un') == get('d:n') and own.get('u') or 0
  local all = math.max(0, remaining)
  if get('d:s') == 1 then all = all + (get('d:c') or 0) + (get('fly') or 0) else all = all + (get('d:u') or 0) end
  return math.ceil(all * day_weight / get('W')) - used
end

-- Take the next slots of the pace, of the campaign's own pace and of the caller ID's, for so many requests.
-- Returns when the first slot begins, which may be a little ago, and the time from each to the next. A request that
-- leaves within a short time from the beginning of its slot never makes a second fuller than the pace. Where the slots
-- before are not wanted, the first begins `lead` from now: who takes them has something to do first.
local function take_slots(count, tokens, gap, at_once, distance_before, lead)
  local burst_time = gap * (at_once - 1)
  local due = math.max((get('p') or 0) + distance_before, now + (lead > 0 and burst_time + lead or 0))
  local begins, spacing = due - burst_time, gap * tokens
  local caller_pace = 'n:' .. caller_id
  if own_interval > 0 then begins, spacing = math.max(begins, own.get('p') or 0), math.max(spacing, own_interval) end
  if caller_id_interval > 0 and caller_id ~= '' then
    begins, spacing = math.max(begins, get(caller_pace) or 0), math.max(spacing, caller_id_interval)
    put(caller_pace, math.max(begins, now) + caller_id_interval * count)
  end
  if own_interval > 0 then own.put('p', math.max(begins, now) + own_interval * count) end
  put('p', due + gap * tokens * count)
  return math.floor(begins), math.floor(spacing)
end
