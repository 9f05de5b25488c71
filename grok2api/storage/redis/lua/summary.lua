-- parts: values standing status
-- The next accounts in counts. ARGV: the id to go on after, how many to look at, now.
-- Returns {the last id that was looked at or '', name, count, name, count, ...}; the names are tier:disabled,
-- tier:fit, tier:status:<status>, tier:remaining:<pool> and tier:unknown:<pool>.

local after, limit, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local counts = {}

local function count(name, by)
  counts[name] = (counts[name] or 0) + by
end

local function count_quota(tier, standing)
  local over = standing.window_ends_at and standing.window_ends_at <= now
  local known = standing.remaining and not over
  count(tier .. ':remaining:' .. standing.pool, known and standing.remaining or 0)
  count(tier .. ':unknown:' .. standing.pool, known and 0 or 1)
end

local function cools(standings)
  for _, standing in ipairs(standings) do
    if standing.pool == rule.default_pool then
      return standing.cooldown_until and standing.cooldown_until > now
    end
  end
end

local function count_account(id)
  local found = redis.call('HMGET', key.account .. id, 'tier', 'disabled', 'expired_reason', 'request_count')
  local tier, disabled = found[1], found[2] == '1'
  local account = {expired_reason = found[3] or nil, request_count = found[4]}
  local standings = standings_of(id)
  local status = status_of(account, standings, now)
  count(tier .. ':status:' .. status, 1)
  if disabled then
    count(tier .. ':disabled', 1)
  elseif status ~= 'expired' then
    -- One that only rests is fit too.
    local fit = status ~= 'exhausted' and not (status == 'cooling' and cools(standings))
    count(tier .. ':fit', fit and 1 or 0)
    for _, standing in ipairs(standings) do count_quota(tier, standing) end
  end
end

local ids = redis.call('ZRANGEBYSCORE', key.accounts, '(' .. after, '+inf', 'LIMIT', 0, limit)
for _, id in ipairs(ids) do count_account(id) end
local reply = {#ids == tonumber(limit) and ids[#ids] or ''}
for name, number in pairs(counts) do
  reply[#reply + 1] = name
  reply[#reply + 1] = text(number)
end
return reply
