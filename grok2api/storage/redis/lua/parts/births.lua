-- Making accounts.

-- The quota pools, those of the caller included. Accounts that are there lack a standing in a new one.
local function ensure_pools(pools)
  local whole = redis.call('EXISTS', key.accounts) == 0 and '1' or '0'
  for _, pool in ipairs(pools) do redis.call('HSETNX', key.pools, pool, whole) end
end

local function tag(id, tags)
  for _, name in ipairs(tags) do redis.call('HINCRBY', key.tags, name, 1) end
end

-- Store a new account. fields: of its hash, as texts. tags: names. quotas: by pool, tables of texts.
local function create(id, fields, tags, quotas, pools)
  local own = key.account .. id
  local flat = {}
  for name, value in pairs(fields) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  redis.call('HSET', own, unpack(flat))
  redis.call('ZADD', key.accounts, id, id)
  redis.call('HSET', key.digests, fields.digest, id)
  tag(id, tags)
  local account = account_of(id)
  if not account.disabled then redis.call('ZADD', key.checked, fields.checked_at, id) end
  if account.disabled or account.expired then mark(account) end
  for _, pool in ipairs(pools) do
    local standing, quota = new_standing(account, pool), quotas[pool] or {}
    standing.remaining = number(quota.remaining)
    standing.window_ends_at = number(quota.window_ends_at)
    standing.cooldown_until = number(quota.cooldown_until)
    standing.rest_until_at = number(quota.rest_until)
    if quota.rest_requests and quota.rest_requests ~= '' and standing.rest_until_at then
      local counted = tonumber(redis.call('GET', key.requests .. pool) or 0)
      standing.rest_until_request = counted + tonumber(quota.rest_requests)
    end
    write(account, standing, tonumber(fields.created_at)) -- what is over by now, the next lease finds out
  end
end
