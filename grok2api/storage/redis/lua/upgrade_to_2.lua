-- Leases name themselves: what they are was in a hash beside them.

for _, lease in ipairs(redis.call('ZRANGE', key.leases, 0, -1)) do
  local found = redis.call('HGET', key.leased, lease)
  if found then
    local holds, named = key.holds .. found:match('^%d+'), lease .. ':' .. found
    redis.call('ZADD', key.leases, redis.call('ZSCORE', key.leases, lease), named)
    redis.call('SREM', holds, lease)
    redis.call('SADD', holds, named)
  end
  if not lease:find(':', 1, true) then redis.call('ZREM', key.leases, lease) end
end
redis.call('DEL', key.leased)
redis.call('SET', key.schema, 2)
