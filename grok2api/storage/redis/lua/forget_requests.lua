-- parts: journal
-- Forget entries from before then, and the oldest of more than `keep`. ARGV: then, keep, how many at most.
-- Returns how many there were.

local count = surplus(key.request_log, ARGV[1], ARGV[2], ARGV[3])
if count <= 0 then return 0 end
for _, entry in ipairs(redis.call('ZRANGE', key.request_log, 0, count - 1)) do
  local number, id = entry:match('^(%d+) ([^ ]*) ')
  local known = redis.call('HGET', key.request_log_ids, id)
  if known and known:sub(1, 16) == number then redis.call('HDEL', key.request_log_ids, id) end
end
return redis.call('ZREMRANGEBYRANK', key.request_log, 0, count - 1)
