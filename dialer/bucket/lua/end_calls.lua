-- A call has ended: its place among the calls in progress is free.
-- KEYS     as in common.lua
-- ARGV     after those of common.lua: grant ids
-- returns  how many places became free
local freed = 0
for i = 18, #ARGV do
  freed = freed + redis.call('ZREM', CALLS, ARGV[i])
  redis.call('ZREM', OWN_CALLS, ARGV[i])
end
return freed
