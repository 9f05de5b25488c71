-- An account and its standings in the quota pools: the one place that derives where it stands.

local ACCOUNT = {'tier', 'disabled', 'expired_reason', 'in_flight', 'used_at', 'strikes', 'failed_count'}
local STANDING = {
  'tier', 'place', 'member', 'remaining', 'window_ends_at', 'cooldown_until', 'rest_until_request',
  'rest_until_at', 'held', 'taken',
}

-- What the rules need of an account, nil when there is none. id: in decimal.
local function account_of(id)
  local found = redis.call('HMGET', key.account .. id, unpack(ACCOUNT))
  if not found[1] then return nil end
  return {
    id = id,
    tier = found[1],
    disabled = found[2] == '1',
    expired = found[3] or nil,
    in_flight = tonumber(found[4]),
    used_at = tonumber(found[5]),
    strikes = tonumber(found[6]),
    failed_count = tonumber(found[7]),
  }
end

local function standing_of(id, pool)
  local found = redis.call('HMGET', key.standing .. id .. ':' .. pool, unpack(STANDING))
  if not found[1] then return nil end
  return {
    pool = pool,
    tier = found[1], -- that its place is of
    place = found[2],
    member = found[3],
    remaining = number(found[4]),
    window_ends_at = number(found[5]),
    cooldown_until = number(found[6]),
    rest_until_request = number(found[7]),
    rest_until_at = number(found[8]),
    held = tonumber(found[9]),
    taken = tonumber(found[10]),
  }
end

local function standings_of(id)
  local all = {}
  for _, pool in ipairs(redis.call('HKEYS', key.pools)) do
    all[#all + 1] = standing_of(id, pool)
  end
  return all
end

local function new_standing(account, pool)
  return {pool = pool, tier = account.tier, place = '', member = '', held = 0, taken = 0}
end

-- Where it is found among those that are ready: fewest requests in flight, most quota, longest unused, id.
local function member_of(account, standing)
  local left = standing.remaining or rule.full_quota
  return string.format(
    '%06d:%010.0f:%016.0f:%010.0f',
    account.in_flight,
    math.max(0, rule.full_quota - left),
    math.floor(account.used_at * 1e6),
    tonumber(account.id)
  )
end

local function sits(standing)
  return standing.place == 'ready' or standing.place == 'resting'
end

-- Take it out of its place, also out of its rest in the pool.
local function leave(id, standing)
  if standing.place == '' then return end -- a new one
  local where = standing.pool .. ':' .. standing.tier
  if sits(standing) then
    redis.call('ZREM', key[standing.place] .. where, standing.member)
  elseif standing.place == 'waiting' then
    redis.call('ZREM', key.waiting .. where, id)
    redis.call('ZREM', key.cooling .. where, id)
  end
  redis.call('ZREM', key.due .. where, id)
  redis.call('ZREM', key.rest_requests .. standing.pool, id)
  redis.call('ZREM', key.rest_ends .. standing.pool, id)
end

-- What follows from what is known; returns when to look at it again, nil for never.
local function derive(account, standing, now)
  if standing.window_ends_at and standing.window_ends_at <= now then
    standing.remaining, standing.window_ends_at = nil, nil
  end
  if standing.cooldown_until and standing.cooldown_until <= now then
    standing.cooldown_until = nil
  end
  if standing.remaining == 0 and not standing.window_ends_at then
    standing.window_ends_at = now + rule.default_window_s
  end
  local waits_until = standing.cooldown_until
  if standing.remaining == 0 then
    waits_until = math.max(waits_until or 0, standing.window_ends_at)
  end
  if account.disabled or account.expired then
    standing.place = 'out'
    return nil
  elseif waits_until then
    standing.place = 'waiting'
    return waits_until
  end
  standing.place = standing.rest_until_at and 'resting' or 'ready'
  return standing.window_ends_at
end

local function enter(account, standing, returns_at)
  local where = standing.pool .. ':' .. standing.tier
  if sits(standing) then
    redis.call('ZADD', key[standing.place] .. where, 0, standing.member)
  elseif standing.place == 'waiting' then
    redis.call('ZADD', key.waiting .. where, text(returns_at), account.id)
    if standing.cooldown_until then
      redis.call('ZADD', key.cooling .. where, text(standing.cooldown_until), account.id)
    end
  end
  if returns_at then
    redis.call('ZADD', key.due .. where, text(returns_at), account.id)
  end
  if standing.rest_until_request then
    redis.call('ZADD', key.rest_requests .. standing.pool, text(standing.rest_until_request), account.id)
  end
  if standing.rest_until_at then
    redis.call('ZADD', key.rest_ends .. standing.pool, text(standing.rest_until_at), account.id)
  end
end

-- Store a standing after a change of what is known, and give it its place.
local function write(account, standing, now)
  leave(account.id, standing)
  local returns_at = derive(account, standing, now)
  standing.tier = account.tier
  standing.member = member_of(account, standing)
  enter(account, standing, returns_at)
  redis.call(
    'HSET', key.standing .. account.id .. ':' .. standing.pool,
    'tier', standing.tier, 'place', standing.place, 'member', standing.member,
    'remaining', text(standing.remaining), 'window_ends_at', text(standing.window_ends_at),
    'cooldown_until', text(standing.cooldown_until), 'rest_until_request', text(standing.rest_until_request),
    'rest_until_at', text(standing.rest_until_at), 'held', text(standing.held), 'taken', text(standing.taken)
  )
end

-- The same for changes that leave it in its place: requests in flight, last use, a quota that is not used up.
local function write_in_place(account, standing)
  local old = standing.member
  standing.member = member_of(account, standing)
  if sits(standing) and old ~= standing.member then
    local where = key[standing.place] .. standing.pool .. ':' .. standing.tier
    redis.call('ZREM', where, old)
    redis.call('ZADD', where, 0, standing.member)
  end
  redis.call(
    'HSET', key.standing .. account.id .. ':' .. standing.pool,
    'member', standing.member, 'remaining', text(standing.remaining),
    'held', text(standing.held), 'taken', text(standing.taken)
  )
end

-- Store whether an account is out, after a change of it.
local function mark(account)
  local own = key.account .. account.id
  redis.call('HSET', own, 'disabled', account.disabled and '1' or '0')
  if account.expired then
    redis.call('HSET', own, 'expired_reason', account.expired)
  else
    redis.call('HDEL', own, 'expired_reason')
  end
  redis.call(account.disabled and 'SADD' or 'SREM', key.disabled, account.id)
  redis.call(account.expired and not account.disabled and 'SADD' or 'SREM', key.expired, account.id)
end
