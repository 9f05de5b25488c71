-- Note that a session is in use, unless it has ended. ARGV: digest, now.

if redis.call('EXISTS', key.session .. ARGV[1]) == 1 then
  redis.call('HSET', key.session .. ARGV[1], 'seen_at', ARGV[2])
  redis.call('EXPIRE', key.session .. ARGV[1], rule.session_max_s)
  redis.call('ZADD', key.sessions, ARGV[2], ARGV[1])
end
