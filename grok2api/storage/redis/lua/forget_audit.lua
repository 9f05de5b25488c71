-- Forget entries from before then, and the oldest of more than `keep`. ARGV: then, keep, how many at most.
-- Returns how many there were.

local limit = tonumber(ARGV[3])
local old = redis.call('ZRANGEBYSCORE', key.audit, '-inf', '(' .. ARGV[1], 'LIMIT', 0, limit)
local count = math.min(limit, math.max(#old, redis.call('ZCARD', key.audit) - tonumber(ARGV[2])))
return count > 0 and redis.call('ZREMRANGEBYRANK', key.audit, 0, count - 1) or 0
