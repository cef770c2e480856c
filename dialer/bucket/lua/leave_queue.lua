-- Give back places in the queue.
-- KEYS     as in common.lua
-- ARGS     tickets
-- returns  how many of them were in the queue
local removed = 0
for _, ticket in ipairs(ARGS) do
  local finish, urgency = string.match(redis.call('HGET', TICKETS, ticket) or '', '^%S+ (%S+) (%S+)')
  local tag = redis.call('ZSCORE', QUEUE, ticket)
  if leave_queue(ticket) then
    removed = removed + 1
    local field = urgency == '1' and 'fs' or 'f'
    -- No ticket of the campaign came after this one, so it is charged nothing in the queue's order.
    if own and tag and own.get(field) == tonumber(finish) then own.put(field, tonumber(tag)) end
  end
end
keep()
return removed
