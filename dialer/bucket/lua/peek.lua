-- The state of the bucket, for people and metrics; changes nothing.
-- KEYS     as in common.lua
-- ARGS     none
-- returns  a JSON object with the fields of `BucketState`; times in microseconds
roll('m'); roll('d')
local windows = {}
for _, w in ipairs({ 'm', 'd' }) do
  local limit = get(w .. ':s') == 1 and get(w .. ':l') or (w == 'm' and minute or day)
  if limit and limit > 0 then
    local remaining, ends = left(w, w == 'm' and minute or day)
    local from_provider = get(w .. ':s') == 1
    local charged = get(w .. ':c') or 0
    windows[#windows + 1] = {
      name = w == 'm' and 'minute points' or 'day points', limit = limit, left = math.max(0, remaining or limit),
      resets_in = ends and math.max(0, ends - now) or 0, from_provider = from_provider,
      used_by_others = from_provider and math.max(0, limit - get(w .. ':v') - charged - (get(w .. ':b') or 0)) or 0,
    }
  end
end
local waiting, waits = {}, 0
for _, ticket in ipairs(redis.call('ZRANGEBYSCORE', HEARTBEATS, fmt(now), '+inf')) do
  local of_campaign = string.match(redis.call('HGET', TICKETS, ticket) or '', '^%S+ %S+ %S+ (.*)$') or ''
  waiting[of_campaign] = (waiting[of_campaign] or 0) + 1
  waits = waits + 1
end
local gap, at_once, name = pace(1, 1)
return cjson.encode({
  windows = windows, pace = 1000000 / gap, pace_name = name, in_flight = get('fly') or 0,
  pace_free_in = math.max(0, (get('p') or 0) - gap * (at_once - 1) - now),
  calls = redis.call('ZCOUNT', CALLS, fmt(now), '+inf'), most_calls = most_calls,
  blocked_for = math.max(0, (get('blk') or 0) - now), cold = metered and (get('cold') or 1) > 0,
  clock_behind = behind, waits = waits, waiting = waiting, points_per_call = (get('cn') or 0) >= 5 and get('cc') or 0,
})
