-- parts: values standing slots
-- Free the slots of void leases, and forget old ones. ARGV: now. Returns 1 when there may be more of them.

redis.call('ZREMRANGEBYSCORE', key.void, '-inf', text(tonumber(ARGV[1]) - rule.void_kept_s))
return release_void(tonumber(ARGV[1])) == TIDY_LIMIT and 1 or 0
