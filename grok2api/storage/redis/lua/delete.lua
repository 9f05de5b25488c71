-- parts: values standing
-- Forget accounts and their leases. ARGV: the ids. Returns how many there were.

local function forget(id)
  local own = key.account .. id
  for _, standing in ipairs(standings_of(id)) do
    leave(id, standing)
    redis.call('DEL', key.standing .. id .. ':' .. standing.pool)
  end
  for _, lease in ipairs(redis.call('SMEMBERS', key.holds .. id)) do
    redis.call('ZREM', key.leases, lease)
  end
  local found = redis.call('HMGET', own, 'digest', 'tags')
  for _, name in ipairs(cjson.decode(found[2])) do
    if redis.call('HINCRBY', key.tags, name, -1) <= 0 then redis.call('HDEL', key.tags, name) end
  end
  redis.call('HDEL', key.digests, found[1])
  redis.call('ZREM', key.accounts, id)
  redis.call('ZREM', key.checked, id)
  redis.call('SREM', key.expired, id)
  redis.call('SREM', key.disabled, id)
  redis.call('DEL', own, key.holds .. id)
end

local done = 0
for _, id in ipairs(ARGV) do
  if redis.call('EXISTS', key.account .. id) == 1 then
    forget(id)
    done = done + 1
  end
end
return done
