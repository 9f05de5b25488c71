-- parts: journal
-- Forget entries from before then, and the oldest of more than `keep`. ARGV: then, keep, how many at most.
-- Returns how many there were.

local count = surplus(key.request_log, ARGV[1], ARGV[2], ARGV[3])
return count > 0 and redis.call('ZREMRANGEBYRANK', key.request_log, 0, count - 1) or 0
