-- Calls have ended: free their places among the calls in progress.
-- KEYS     as in common.lua
-- ARGS     grant ids
-- returns  how many places became free
local freed = 0
for _, id in ipairs(ARGS) do
  freed = freed + redis.call('ZREM', CALLS, id)
  redis.call('ZREM', OWN_CALLS, id)
end
return freed
