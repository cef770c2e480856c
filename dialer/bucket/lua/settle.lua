-- Settle grants of one campaign: the results of their requests, and the provider's own figures if the answers had any.
-- KEYS     as in common.lua
-- ARGS     for each grant: 1 grant id  2 result: 'charged' | 'free' | 'unsent' | 'unknown'
--          3 block for so long (0: no block)  4 1 when a call is in progress, so that its place stays taken
--          5 minute limit  6 minute remaining  7 seconds to its reset  8 9 10 the same of the day; '' when not given
-- returns  how many of them were in flight; the others had been settled before
-- A grant with the result 'unknown' stays in flight until its lease ends: the provider may have charged it.
roll('m'); roll('d')

local function settle(id, result, block, goes_on, m_limit, m_left, m_reset, d_limit, d_left, d_reset)
  local grant = read_grant(redis.call('HGET', GRANTS, id))
  local has_figures = { m = m_left and m_reset, d = d_left and d_reset }

  -- Count the points against a window; what is left of it too, when the provider has not just said it.
  local function charge(w)
    put(w .. ':c', (get(w .. ':c') or 0) + grant.points)
    if get(w .. ':s') == 1 and not has_figures[w] then put(w .. ':v', get(w .. ':v') - grant.points) end
  end

  local function give_back()
    if grant.day ~= (get('d:n') or 0) then return end -- a later window never gets them
    if get('d:s') ~= 1 then put('d:u', math.max(0, (get('d:u') or 0) - grant.points)) end
    if own and own.get('un') == grant.day then own.put('u', math.max(0, own.get('u') - grant.points)) end
  end

  if grant and result ~= 'unknown' then
    put('fly', math.max(0, (get('fly') or 0) - grant.points))
    redis.call('HDEL', GRANTS, id)
    redis.call('ZREM', FLIGHT, id)
    if result == 'charged' then charge('m'); charge('d') else give_back() end
    -- The provider never saw it, and no later grant has used the pace: the token goes back.
    if result == 'unsent' and get('p') == grant.after then
      put('p', math.max(0, grant.after - interval * grant.tokens))
    end
  end
  -- The cost of one call shows in the figures when nothing else is in flight. It is reported and never used, because
  -- points taken by other programs meanwhile look the same.
  local function observe_cost(remaining, reset)
    if result ~= 'charged' or not grant or not reset or get('m:s') ~= 1 or get('fly') ~= 0 then return end
    local apart = math.abs(now + (reset + 1) * 1000000 - get('m:e'))
    local drop = get('m:v') - remaining
    if drop <= 0 or apart > LENGTH.m / 2 or not redis.call('ZSCORE', CALLS, id) then return end
    put('cn', get('cc') == drop and get('cn') + 1 or 1)
    put('cc', drop)
  end
  if has_figures.m then observe_cost(m_left, m_reset) end

  if not goes_on and result ~= 'unknown' then
    redis.call('ZREM', CALLS, id)
    redis.call('ZREM', OWN_CALLS, id)
  end

  -- A request that starts no call has succeeded, and no other figures came since it left: so its own are the newest.
  local starts_no_call = grant and grant.tokens == 0
  local newest = starts_no_call and result == 'charged' and math.max(get('m:h') or 0, get('d:h') or 0) < grant.at
  local blocked = (get('blk') or 0) > now

  local figures_came = false
  -- Within a window `remaining` only falls, so its lowest figure is the newest, in whatever order answers come in. But
  -- where nothing is left by our books, and the newest figures say otherwise, the books were wrong.
  local function calibrate(w, limit, remaining, reset)
    if limit then put(w .. ':l', limit) end
    if not remaining or not reset then return end
    figures_came = true
    put(w .. ':h', now)
    local ends, half = get(w .. ':e') or 0, LENGTH[w] / 2
    local ends_by = now + (reset + 1) * 1000000 -- the provider gives whole seconds: the window ends no later
    -- Calls are no longer spaced for a minute that begins at an unknown time.
    if w == 'm' and get('m:s') ~= 1 then put('p', math.min(get('p') or 0, now + interval)) end
    local known = get(w .. ':s') == 1
    if not known or ends_by > ends + half then
      begin_window(w, ends_by, remaining)
      put(w .. ':s', 1)
      if not get(w .. ':l') then put(w .. ':l', remaining) end
      if grant and result == 'charged' then put(w .. ':c', grant.points) end
      if not known then put(w .. ':b', math.max(0, get(w .. ':l') - remaining - get(w .. ':c'))) end
    elseif ends_by >= ends - half then
      local empty = blocked or get(w .. ':v') - (get('fly') or 0) < 1
      put(w .. ':e', math.min(ends, ends_by))
      put(w .. ':v', newest and empty and remaining or math.min(get(w .. ':v'), remaining))
    end
  end
  calibrate('m', m_limit, m_left, m_reset)
  calibrate('d', d_limit, d_left, d_reset)

  -- It takes requests again before the time it had named. Refused anew after that, it is believed for a minute at least.
  if newest and blocked and figures_came and (get('m:v') or 0) > 0 then
    if (get('blkn') or 0) <= 1 or now - (get('blkat') or 0) > LENGTH.m then put('blk', now) end
  end
  if block > 0 then
    -- Refusals of requests that had left before the first refusal came, or while it held, have the same cause: they count
    -- once.
    local again = grant and (grant.at <= (get('blkat') or -1) or grant.at < (get('blk') or -1))
    local row = math.min((get('blkn') or 0) + (again and 0 or 1), 7)
    math.randomseed(now % 2147483647)
    local backoff = math.min(60, 2 ^ (row - 1)) * 1000000 * (1 + 0.1 * math.random())
    put('blk', math.max(get('blk') or 0, now + math.max(block, (figures_came or again) and 0 or backoff)))
    if not again then
      put('blkn', row); put('blkat', now)
      if not figures_came then -- the provider counts requests, not points: slow the pace down
        put('slow', math.min(MAX_SLOWDOWN, slowness() * SLOWDOWN)); put('slowat', now)
      end
    end
  elseif result == 'charged' and not starts_no_call then
    put('blkn', 0)
  end
  if figures_came or result == 'charged' then put('cold', 0) end
  -- That answer will not come: another request may learn the figures.
  if result == 'unknown' and get('cold') == 1 then put('cold', 2) end
  return grant and 1 or 0
end

local settled = 0
for at = 1, #ARGS, 10 do
  local number = {}
  for i = 2, 9 do number[i] = tonumber(ARGS[at + i]) end
  local goes_on = ARGS[at + 3] == '1'
  settled = settled
    + settle(ARGS[at], ARGS[at + 1], number[2], goes_on, unpack(number, 4, 9))
end
keep()
return settled
