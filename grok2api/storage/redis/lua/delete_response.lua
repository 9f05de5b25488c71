-- Forget a response of this owner, if it has not expired. ARGV: id, owner, now. Returns 1 when there was one.

local own = key.response .. ARGV[1]
local found = redis.call('HMGET', own, 'owner', 'expires_at')
if found[1] ~= ARGV[2] or tonumber(found[2]) <= tonumber(ARGV[3]) then return 0 end
redis.call('UNLINK', own)
redis.call('ZREM', key.responses, ARGV[1])
return 1
