-- The newest entry of a request id. ARGV: the id. Returns nil when there is none.

local known = redis.call('HGET', key.request_log_ids, ARGV[1])
if not known then return false end
local number, at = known:sub(1, 16), known:sub(18)
for _, entry in ipairs(redis.call('ZRANGEBYSCORE', key.request_log, at, at)) do
  if entry:sub(1, 16) == number then return entry end
end
return false
