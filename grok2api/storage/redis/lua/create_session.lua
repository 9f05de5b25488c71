-- Store a session, and forget those seen last before the oldest that could be valid. ARGV: digest, seen_at,
-- the oldest, then names and values of the fields.

for _, digest in ipairs(redis.call('ZRANGEBYSCORE', key.sessions, '-inf', '(' .. ARGV[3])) do
  redis.call('DEL', key.session .. digest)
  redis.call('ZREM', key.sessions, digest)
end
for at = 4, #ARGV, 2 do redis.call('HSET', key.session .. ARGV[1], ARGV[at], ARGV[at + 1]) end
redis.call('EXPIRE', key.session .. ARGV[1], rule.session_max_s)
redis.call('ZADD', key.sessions, ARGV[2], ARGV[1])
