-- Add counts onto what is stored. ARGV: span, start, name, count of each.

for at = 1, #ARGV, 4 do
  local span, start = ARGV[at], ARGV[at + 1]
  local counts = key.usage .. span .. ':' .. start
  if redis.call('HINCRBY', counts, ARGV[at + 2], ARGV[at + 3]) == tonumber(ARGV[at + 3]) then
    redis.call('ZADD', key.usage_starts .. span, start, start)
    redis.call('SADD', key.usage_spans, span)
  end
end
