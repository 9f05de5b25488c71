-- Forget responses that expire until then. ARGV: then, how many at most. Returns how many there were.

local ids = redis.call('ZRANGEBYSCORE', key.responses, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  redis.call('UNLINK', key.response .. id)
  redis.call('ZREM', key.responses, id)
end
return #ids
