-- The slots that leases hold.

local TIDY_LIMIT = 200

-- Drop a lease: whether it was still there, and its account's id, pool and cost. A lease's name tells them, but for
-- one that a worker of an older release took after the upgrade.
local function drop(lease)
  local id, cost, pool = lease:match('^%x+:(%d+):(%d+):(.*)$')
  if redis.call('ZREM', key.leases, lease) == 0 or not id then return false end
  redis.call('SREM', key.holds .. id, lease)
  return true, id, pool, tonumber(cost)
end

-- Give a dropped lease's slot back, in the account and standings at hand; they are to be stored after.
local function give_back(account, standings, pool, cost)
  account.in_flight = math.max(0, account.in_flight - 1)
  redis.call('HSET', key.account .. account.id, 'in_flight', account.in_flight)
  for _, standing in ipairs(standings) do
    if standing.pool == pool then standing.held = math.max(0, standing.held - cost) end
  end
end

-- Free the slots of void leases, TIDY_LIMIT at a time; how many.
local function release_void(now)
  local void = redis.call('ZRANGEBYSCORE', key.leases, '-inf', text(now), 'LIMIT', 0, TIDY_LIMIT)
  for _, lease in ipairs(void) do
    local dropped, id, pool, cost = drop(lease)
    local account = dropped and account_of(id)
    if account then
      redis.call('ZADD', key.void, text(now), lease)
      local standings = standings_of(id)
      give_back(account, standings, pool, cost)
      for _, standing in ipairs(standings) do write_in_place(account, standing) end
    end
  end
  return #void
end
