-- parts: values standing slots sealing
-- Take the best account. ARGV: now, pool, cost, max_in_flight, first attempt (1, 0), a random name,
-- the store's check value, the number of tiers, the tiers, the excluded ids.
-- Returns {lease, id, sealed secret, tier, remaining before}; nil for none; 'more' when there is none yet among the
-- ready ones and not all that is over has been tidied up: to be called again, as no first attempt.

local now, pool, cost, max_in_flight = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local first_attempt, name, check, tier_count = ARGV[5] == '1', ARGV[6], ARGV[7], tonumber(ARGV[8])
local tiers, excluded = {}, {}
for at = 9, 8 + tier_count do tiers[#tiers + 1] = ARGV[at] end
for at = 9 + tier_count, #ARGV do excluded[ARGV[at]] = true end
local tries = #ARGV - 7 - tier_count -- one more than there are excluded ids

-- Count this request and end the rests that are over; whether there may be more of them. Requests are only
-- counted while somebody rests: nobody else asks for the number.
local function end_rests()
  if redis.call('EXISTS', key.rest_ends .. pool) == 0 then return false end
  local counted
  if first_attempt then
    counted = redis.call('INCR', key.requests .. pool)
  else
    counted = tonumber(redis.call('GET', key.requests .. pool) or 0)
  end
  local by_request = redis.call(
    'ZRANGEBYSCORE', key.rest_requests .. pool, '-inf', '(' .. text(counted), 'LIMIT', 0, TIDY_LIMIT
  )
  local by_time = redis.call(
    'ZRANGEBYSCORE', key.rest_ends .. pool, '-inf', text(now), 'LIMIT', 0, TIDY_LIMIT
  )
  for _, over in ipairs({by_request, by_time}) do
    for _, id in ipairs(over) do
      local account, standing = account_of(id), standing_of(id, pool)
      standing.rest_until_request, standing.rest_until_at = nil, nil
      write(account, standing, now)
    end
  end
  return #by_request == TIDY_LIMIT or #by_time == TIDY_LIMIT
end

-- Look again at the accounts whose time has come; whether there may be more of them.
local function take_back(tier)
  local due = redis.call(
    'ZRANGEBYSCORE', key.due .. pool .. ':' .. tier, '-inf', text(now), 'LIMIT', 0, TIDY_LIMIT
  )
  for _, id in ipairs(due) do write(account_of(id), standing_of(id, pool), now) end
  return #due == TIDY_LIMIT
end

local function tidy()
  local more = end_rests()
  more = release_void(now) == TIDY_LIMIT or more
  for _, tier in ipairs(tiers) do more = take_back(tier) or more end
  return more
end

-- Level by level of requests in flight, so that accounts with too little quota left are stepped over by the
-- range's end and never walked through.
local function best(place, tier)
  local among, level = key[place] .. pool .. ':' .. tier, 0
  local enough = string.format('%010.0f;', rule.full_quota - cost) -- ';' follows ':', the next separator
  while max_in_flight == 0 or level < max_in_flight do
    local prefix = string.format('%06d:', level)
    local found = redis.call(
      'ZRANGEBYLEX', among, '[' .. prefix, '(' .. prefix .. enough, 'LIMIT', 0, tries
    )
    for _, member in ipairs(found) do
      local id = string.format('%.0f', tonumber(member:sub(-10)))
      if not excluded[id] then return id end
    end
    local next_level = redis.call(
      'ZRANGEBYLEX', among, string.format('[%06d:', level + 1), '+', 'LIMIT', 0, 1
    )[1]
    if not next_level then return nil end
    level = tonumber(next_level:sub(1, 6))
  end
  return nil
end

local function take(id)
  local account, before = account_of(id), nil
  local own = key.account .. id
  account.in_flight, account.used_at = account.in_flight + 1, now
  redis.call('HSET', own, 'in_flight', account.in_flight, 'used_at', text(now))
  for _, standing in ipairs(standings_of(id)) do
    if standing.pool == pool then
      before = standing.remaining
      standing.held, standing.taken = standing.held + cost, standing.taken + cost
      standing.remaining = before and before - cost
    end
    if standing.pool == pool and standing.remaining == 0 then
      write(account, standing, now) -- out of choice until its window ends
    else
      write_in_place(account, standing)
    end
  end
  local lease = string.format('%s:%s:%.0f:%s', name, id, cost, pool)
  redis.call('ZADD', key.leases, text(now + rule.lease_s), lease)
  redis.call('SADD', key.holds .. id, lease)
  return {lease, id, redis.call('HGET', own, 'secret'), account.tier, text(before)}
end

local more = tidy()
for _, place in ipairs({'ready', 'resting'}) do
  if place == 'resting' and more then return 'more' end
  for _, tier in ipairs(tiers) do
    local id = best(place, tier)
    if id then
      if check_value() ~= check then return redis.error_reply(FOREIGN) end
      return take(id)
    end
  end
end
return false
