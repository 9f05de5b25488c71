-- The sealed secrets of the next accounts. ARGV: the id to go on after, how many at most.
-- Returns {id, secret, id, secret, ...}.

local reply = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key.accounts, '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])) do
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('HGET', key.account .. id, 'secret')
end
return reply
