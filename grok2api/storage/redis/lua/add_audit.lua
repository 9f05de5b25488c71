-- Store entries in this order. ARGV: at, JSON of each.

for at = 1, #ARGV, 2 do
  local number = redis.call('INCR', key.audit_last)
  redis.call('ZADD', key.audit, ARGV[at], string.format('%016.0f ', number) .. ARGV[at + 1])
end
