-- What every script of a token bucket shares. It is put in front of each of them.
-- KEYS[1]  state: a hash. last (largest time seen), blk (blocked until), blkn (blocks in a row), cold (1 until the
--          first answer, 2 when that was lost and none is awaited), p (pace: the instant from which the next token is
--          free), p:<campaign> (the same), q (the same for a minute that the provider gives no figures for),
--          m:* and d:* (minute and day: l limit, v lowest remaining, e end, s synced; u used where the provider
--          gives no figures), fly (points in flight)
-- KEYS[2]  grants in flight: zset, grant id -> lease end
-- KEYS[3]  points of each grant in flight: hash
-- KEYS[4]  calls in progress: zset, grant id -> lease end
-- KEYS[5]  calls in progress of the campaign: likewise
-- All times are integer microseconds of Redis's own clock, which is never let run backwards. No key expires: there
-- are five per account, and a limit forgotten is a limit exceeded.
local S, FLIGHT, POINTS, CALLS, OWN = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local WINDOWS = { m = 60000000, d = 86400000000 }

local function fmt(n) return string.format('%.0f', n) end
local function get(field) return tonumber(redis.call('HGET', S, field)) end
local function put(field, n) redis.call('HSET', S, field, fmt(n)) end

local function clock()
  local t = redis.call('TIME')
  local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
  local last = get('last')
  if last and last > now then now = last end
  put('last', now)
  return now
end

-- Forget grants and calls whose lease has ended: their worker died, or their end was never told.
local function reap(now)
  local dead = redis.call('ZRANGEBYSCORE', FLIGHT, '-inf', fmt(now), 'LIMIT', 0, 64)
  for _, id in ipairs(dead) do
    redis.call('HINCRBY', S, 'fly', '-' .. (redis.call('HGET', POINTS, id) or '0'))
    redis.call('HDEL', POINTS, id)
    redis.call('ZREM', FLIGHT, id)
  end
  redis.call('ZREMRANGEBYSCORE', CALLS, '-inf', fmt(now))
  redis.call('ZREMRANGEBYSCORE', OWN, '-inf', fmt(now))
end

-- Begin the provider's next window when this one has ended.
local function roll(w, now)
  local e, limit = get(w .. ':e'), get(w .. ':l')
  if not e or not limit or now < e then return end
  local width = WINDOWS[w]
  put(w .. ':e', e + width * (math.floor((now - e) / width) + 1))
  put(w .. ':v', limit)
  put(w .. ':u', 0)
end

-- Points left in a window, and when it ends; nil where nothing limits it.
local function left(w, own_limit, now)
  roll(w, now)
  if get(w .. ':s') == 1 then
    return get(w .. ':v') - (get('fly') or 0), get(w .. ':e')
  end
  if own_limit == 0 then return nil end
  if not get(w .. ':e') then
    put(w .. ':l', own_limit); put(w .. ':e', now + WINDOWS[w]); put(w .. ':u', 0)
  end
  return own_limit - (get(w .. ':u') or 0), get(w .. ':e')
end

-- When a pace next has a token free, given the interval between two and how many may leave at once.
local function free_at(field, interval, burst)
  return (get(field) or 0) - interval * (burst - 1)
end
