-- parts: values
-- Add to keys what was counted of them. ARGV: id, requests, the last one's time of each.

for at = 1, #ARGV, 3 do
  local own = key.client_key .. ARGV[at]
  if redis.call('EXISTS', own) == 1 then
    redis.call('HINCRBY', own, 'request_count', ARGV[at + 1])
    local last = number(redis.call('HGET', own, 'last_used_at')) or 0
    if tonumber(ARGV[at + 2]) > last then redis.call('HSET', own, 'last_used_at', ARGV[at + 2]) end
  end
end
