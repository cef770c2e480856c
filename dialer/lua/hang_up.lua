-- A call has ended: its place among the calls in progress is free.
-- KEYS     as in common.lua
-- ARGV     grant ids
-- returns  how many places became free
local freed = 0
for _, id in ipairs(ARGV) do
  freed = freed + redis.call('ZREM', CALLS, id)
  redis.call('ZREM', OWN, id)
end
return freed
