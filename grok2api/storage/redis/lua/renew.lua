-- parts: values
-- Keep leases that are not void. ARGV: now, the leases' ids.

local now = tonumber(ARGV[1])
for at = 2, #ARGV do
  local void_at = number(redis.call('ZSCORE', key.leases, ARGV[at]))
  if void_at and void_at > now then
    redis.call('ZADD', key.leases, text(now + rule.lease_s), ARGV[at])
  end
end
