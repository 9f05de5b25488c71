-- Forget counts of a span that start before then. ARGV: span, then, how many starts at most. Returns how many.

local span = ARGV[1]
local starts_of = key.usage_starts .. span
local starts = redis.call('ZRANGEBYSCORE', starts_of, '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[3])
for _, start in ipairs(starts) do
  redis.call('DEL', key.usage .. span .. ':' .. start)
  redis.call('ZREM', starts_of, start)
end
if redis.call('EXISTS', starts_of) == 0 then redis.call('SREM', key.usage_spans, span) end
return #starts
