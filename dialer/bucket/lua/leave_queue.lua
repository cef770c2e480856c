-- Give places in the line back: nobody waits there any more.
-- KEYS     as in common.lua
-- ARGV     after those of common.lua: tickets
-- returns  how many stood in the line
local left_line = 0
for i = 18, #ARGV do
  local finish, f = string.match(redis.call('HGET', TICKETS, ARGV[i]) or '', '^%S+ (%S+) (%S+)')
  local tag = redis.call('ZSCORE', LINE, ARGV[i])
  if out_of_line(ARGV[i]) then
    left_line = left_line + 1
    f = f == '1' and 'fs' or 'f'
    -- Nobody of the campaign came after it: it pays for nothing.
    if own and tag and own.get(f) == tonumber(finish) then own.put(f, tonumber(tag)) end
  end
end
keep()
return left_line
