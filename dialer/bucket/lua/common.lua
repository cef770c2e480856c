-- What every script of a token bucket shares. It is put in front of each of them.
-- KEYS[1]  state: a hash. last (largest time seen), run (the server's run id), cold (1 until the first answer, 2 when
--          that was lost and none is awaited), blk (blocked until), blkn (blocks in a row), blkat (when the last was
--          heard), slow and slowat (how much slower than its pace, since when), p (pace: when the next token is due),
--          V (virtual time of the line), lt (tokens asked for in the line), r (when leases are looked at next), fly
--          (points in flight), W (sum of the campaigns' weights of the day), cc and cn (points that a call took when
--          nothing else was in flight, and how often in a row), m:* and d:* (minute and day: l limit, v lowest
--          remaining, e end, s told by the provider, n number of the window, h last heard, c charged to us, b gone
--          before we first heard of it, u used where the provider gives no figures)
-- KEYS[2]  grants in flight: zset, grant id -> lease end
-- KEYS[3]  grants: hash, grant id -> points, tokens, when it begins, what the pace was after it, day, campaign
-- KEYS[4]  calls in progress: zset, grant id -> lease end
-- KEYS[5]  calls in progress of the campaign: likewise
-- KEYS[6]  the waiting line: zset, ticket (a grant id) -> start tag
-- KEYS[7]  its heartbeats: zset, ticket -> when it is forgotten
-- KEYS[8]  its tickets: hash, ticket -> tokens, finish tag, urgency, campaign
-- KEYS[9]  the campaign: hash. p (pace), f and fs (fair tags of its first tries, of what is sooner), w (its weight in
--          the day), u and un (points used of day un), x (when it was last told to expire)
-- ARGV     1 now ('' asks Redis)  2 interval of the pace  3 burst  4 minute points  5 day points (0: not known here)
--          6 length of a minute  7 of a day  8 calls in progress at the most (0: any)  9 metered: 1 when the provider
--          tells its own figures  10 interval of looks at the calls in progress, whose points a call leaves in the
--          minute (0: none)  11 part of the minute that is kept for what is urgent  12 campaign  13 interval of its
--          pace (0: none)  14 its calls in progress at the most  15 its weight  16 its caller ID, hashed  17 interval
--          of a caller ID's pace (0: none); then those of each script
-- All times are integer microseconds of Redis's own clock, which is never let run backwards. The account's keys do not
-- expire: there are eight, and a limit forgotten is a limit exceeded. A campaign's hash does, days after its last call.
local S, FLIGHT, GRANTS, CALLS, OWN_CALLS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local LINE, BEATS, TICKETS, OWN = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local interval, burst, minute, day = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local LENGTH = { m = tonumber(ARGV[6]), d = tonumber(ARGV[7]) }
local most_calls, metered, look_every = tonumber(ARGV[8]), ARGV[9] == '1', tonumber(ARGV[10])
local kept_part, campaign, own_interval = tonumber(ARGV[11]), ARGV[12], tonumber(ARGV[13])
local own_most_calls, weight, number, number_interval = tonumber(ARGV[14]), tonumber(ARGV[15]), ARGV[16], tonumber(ARGV[17])
local BEAT, COMMIT, GRACE, REAPED, RUSH = 250000, 100000, 2000, 10000, 1000
local CAMPAIGN_LIVES, HOUR = 259200, 3600000000
local BEFORE_ALL = -1 -- a start tag: the others count from zero

local function fmt(n) return string.format(n % 1 == 0 and '%.0f' or '%.17g', n) end

-- A hash read once and written once.
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
local behind = now - given -- Redis's clock was set back: until it has caught up, time stands still
local in_a_rush = ARGV[1] == '' and get('last') and now > get('last') and now - get('last') < RUSH

-- Write what has changed. A script that takes nothing need not.
local function keep()
  put('last', now)
  state.keep()
  if own then
    if now - (own.get('x') or 0) > HOUR then own.put('x', now) end
    own.keep()
    if own.get('x') == now then redis.call('EXPIRE', OWN, CAMPAIGN_LIVES) end
  end
end

-- An empty Redis, one that was started anew, or another one with an older copy: what it says of windows is not to be
-- believed. The pace catches up on nothing, and one request asks the provider. No server is started anew within a
-- millisecond of its last script, so that who asks in a rush is spared the question.
local function wake()
  if in_a_rush then return end
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
  if state.text('run') == run then return end
  put('run', run); put('cold', 1)
  put('m:s', 0); put('d:s', 0)
  put('p', math.max(get('p') or 0, now + interval * (burst - 1)))
end

-- What a grant was for.
local function read_grant(text)
  if not text then return nil end
  local points, tokens, at, after, of_day, whose = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) (.*)$')
  return {
    points = tonumber(points), tokens = tonumber(tokens), at = tonumber(at), after = tonumber(after),
    day = tonumber(of_day), campaign = whose,
  }
end

local function out_of_line(ticket)
  if (get('lt') or 0) == 0 then return false end -- nobody waits
  local tokens = string.match(redis.call('HGET', TICKETS, ticket) or '', '^%S+')
  if not tokens then return false end
  redis.call('HDEL', TICKETS, ticket); redis.call('ZREM', LINE, ticket); redis.call('ZREM', BEATS, ticket)
  put('lt', math.max(0, (get('lt') or 0) - tonumber(tokens)))
  return true
end

-- Forget grants and calls whose lease has ended, and waiters that were not heard of: their worker died.
local function reap()
  if now < (get('r') or 0) then return end
  put('r', now + REAPED)
  for _, ticket in ipairs(redis.call('ZRANGEBYSCORE', BEATS, '-inf', fmt(now), 'LIMIT', 0, 32)) do
    out_of_line(ticket)
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

-- Begin the provider's next window when this one has ended; distrust its figures when they have not come for two.
local function roll(w)
  local ends, limit = get(w .. ':e'), get(w .. ':l')
  if not ends or not limit or now < ends then return end
  begin_window(w, ends + LENGTH[w] * (math.floor((now - ends) / LENGTH[w]) + 1), limit)
  if now - (get(w .. ':h') or 0) > 2 * LENGTH[w] then put(w .. ':s', 0) end
end

-- Points left in a window, and when it ends; nil where nothing limits it.
local function left(w, own_limit)
  roll(w)
  if get(w .. ':s') == 1 then return get(w .. ':v') - (get('fly') or 0), get(w .. ':e') end
  local limit = own_limit > 0 and own_limit or (w == 'd' and get('d:l') or 0)
  if limit == 0 then return nil end
  if not get(w .. ':e') then begin_window(w, now + LENGTH[w], limit) end
  put(w .. ':l', limit)
  return limit - (get(w .. ':u') or 0), get(w .. ':e')
end

-- How much slower than its pace since the provider refused for being too fast: it recovers by a twentieth a minute.
local function slowness()
  local slow = get('slow') or 1
  return slow > 1 and math.max(1, slow / 1.05 ^ math.floor((now - get('slowat')) / 60000000)) or 1
end

-- A minute that the provider gives no figures for has a phase we do not know: pacing is the only safe reading, and
-- what costs several points keeps its distance on both sides (returned fourth: how much before it).
-- Else the pace, slower for a while after the provider refused for being too fast.
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

-- Points of the minute that calls leave: for looking at those in progress, and for what is urgent.
local function kept(ends)
  local limit, time = get('m:l') or 0, math.max(0, ends - now)
  local looks = look_every > 0 and math.min(math.ceil(time / look_every), math.floor(limit / 4)) or 0
  return math.max(looks, math.floor(kept_part * limit * time / LENGTH.m))
end

-- The campaign's part of the day: by weight, of what is left and what all campaigns have used; nil where all is free.
local function day_share(points)
  local of_day = own and own.get('w')
  local there = left('d', day)
  if not of_day or not there or (get('W') or 0) <= 0 then return nil end
  local used = own.get('un') == get('d:n') and own.get('u') or 0
  local all = math.max(0, there)
  if get('d:s') == 1 then all = all + (get('d:c') or 0) + (get('fly') or 0) else all = all + (get('d:u') or 0) end
  return math.ceil(all * of_day / get('W')) - used
end
