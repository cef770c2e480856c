-- Take new slots of the pace for granted requests that did not leave in theirs. Nothing else is charged again, and they
-- wait in no line: they go before whoever has no grant yet.
-- KEYS     as in common.lua
-- ARGS     grant ids
-- returns  {microseconds until the slot of the first, microseconds from one slot to the next}
local LEAD = 40000
local grants = {}
for i, id in ipairs(ARGS) do grants[i] = read_grant(redis.call('HGET', GRANTS, id)) or false end
local first = grants[1] or { points = 1, tokens = 1 }
local gap, at_once, _, distance_before = pace(first.points, first.tokens)
local blocked_until = get('blk') or 0
if blocked_until > now then put('p', math.max(get('p') or 0, blocked_until + gap * (at_once - 1))) end
-- Who missed a slot has a slow machine: the new one is far enough ahead to be waited for.
local begins, spacing = take_slots(#ARGS, math.max(1, first.tokens), gap, at_once, distance_before, LEAD)
for i, id in ipairs(ARGS) do
  local grant = grants[i]
  if grant then
    local facts = { grant.points, grant.tokens, fmt(begins + spacing * (i - 1)), fmt(get('p')), grant.day, grant.campaign }
    redis.call('HSET', GRANTS, id, table.concat(facts, ' '))
  end
end
keep()
return { begins - now, spacing }
