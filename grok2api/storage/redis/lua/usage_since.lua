-- The next counts of a span. ARGV: span, the least start, how many starts at most.
-- Returns {{start, name, count, name, count, ...}, ...}.

local span = ARGV[1]
local reply = {}
for _, start in ipairs(redis.call('ZRANGEBYSCORE', key.usage_starts .. span, ARGV[2], '+inf', 'LIMIT', 0, ARGV[3])) do
  local counts = redis.call('HGETALL', key.usage .. span .. ':' .. start)
  table.insert(counts, 1, start)
  reply[#reply + 1] = counts
end
return reply
