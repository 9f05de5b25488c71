-- parts: sealing
-- Store a response. The server forgets it by itself too, where nobody keeps house. ARGV: the check value, id, owner,
-- expires_at, the sealed body.

local id, expires_at = ARGV[2], ARGV[4]
if not may_write(ARGV[1]) then return redis.error_reply(FOREIGN) end
redis.call('HSET', key.response .. id, 'owner', ARGV[3], 'expires_at', expires_at, 'body', ARGV[5])
redis.call('EXPIRE', key.response .. id, rule.response_kept_s)
redis.call('ZADD', key.responses, expires_at, id)
