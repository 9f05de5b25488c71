-- The next keys in the order of their ids. ARGV: the id to go on after, how many at most.
-- Returns a list for each: its id, then its hash, flat.

local reply = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key.client_keys, '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])) do
  local own = redis.call('HGETALL', key.client_key .. id)
  table.insert(own, 1, id)
  reply[#reply + 1] = own
end
return reply
