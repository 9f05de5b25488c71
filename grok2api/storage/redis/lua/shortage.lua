-- parts: values standing
-- Why nobody is fit. ARGV: now, pool, cost, the number of tiers, the tiers, the excluded ids.
-- Returns Shortage's counts in their order and when the first one returns ('' for never).
-- Counts come from the sizes of sets and ranges; only the search for the first one that returns looks at
-- accounts, at few of them.

local LOOKS = 200

local now, pool, cost, tier_count = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local fit_tier, tried = {}, {}
for at = 5, 4 + tier_count do fit_tier[ARGV[at]] = true end
for at = 5 + tier_count, #ARGV do tried[ARGV[at]] = true end

if redis.call('HEXISTS', key.pools, pool) == 0 then
  return {0, 0, 0, 0, 0, 0, 0, 0, ''}
end

local function is_poor(standing)
  return standing.remaining and standing.remaining < cost
end

-- Accounts of one place and tier that cannot pay, level by level of requests in flight.
local function count_poor(among)
  local poor, at = 0, '-'
  while true do
    local member = redis.call('ZRANGEBYLEX', among, at, '+', 'LIMIT', 0, 1)[1]
    if not member then return poor end
    local level = member:sub(1, 6)
    local enough = string.format('%010.0f;', rule.full_quota - cost)
    poor = poor + redis.call('ZLEXCOUNT', among, '(' .. level .. ':' .. enough, '(' .. level .. ';')
    at = '(' .. level .. ';'
  end
end

local sitting, waiting, cooling, poor = 0, 0, 0, 0
for tier in pairs(fit_tier) do
  local where = pool .. ':' .. tier
  for _, place in ipairs({key.ready, key.resting}) do
    sitting = sitting + redis.call('ZCARD', place .. where)
    poor = poor + count_poor(place .. where)
  end
  waiting = waiting + redis.call('ZCARD', key.waiting .. where)
  cooling = cooling + redis.call('ZCOUNT', key.cooling .. where, '(' .. text(now), '+inf')
end

local tried_count = 0
for id in pairs(tried) do
  local standing = standing_of(id, pool)
  if standing and sits(standing) and fit_tier[standing.tier] then
    tried_count = tried_count + 1
    if is_poor(standing) then poor = poor - 1 end
  end
end

-- When the first one of a tier waits no longer, or one that is too poor has its quota again. Those that are
-- busy or tried come in between; past LOOKS of them only the waiting ones are asked.
local function first_return(where)
  local due = redis.call('ZRANGE', key.due .. where, 0, LOOKS - 1, 'WITHSCORES')
  for at = 1, #due, 2 do
    local standing = standing_of(due[at], pool)
    if standing.place == 'waiting' or (is_poor(standing) and not tried[due[at]]) then
      return tonumber(due[at + 1])
    end
  end
  return number(redis.call('ZRANGE', key.waiting .. where, 0, 0, 'WITHSCORES')[2])
end

local returns_at
for tier in pairs(fit_tier) do
  local at = first_return(pool .. ':' .. tier)
  if at and (not returns_at or at < returns_at) then returns_at = at end
end

local total = redis.call('ZCARD', key.accounts)
local expired, disabled = redis.call('SCARD', key.expired), redis.call('SCARD', key.disabled)
return {
  total,
  cooling,
  waiting - cooling + poor,
  expired,
  disabled,
  total - expired - disabled - sitting - waiting,
  sitting - tried_count - poor,
  tried_count,
  text(returns_at),
}
