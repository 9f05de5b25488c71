-- parts: journal
-- Store entries in this order. ARGV: at, request id, JSON of each.

for place = 1, #ARGV, 3 do
  local at, id = ARGV[place], ARGV[place + 1]
  local number = append(key.request_log, key.request_log_last, at, id .. ' ' .. ARGV[place + 2])
  local known = redis.call('HGET', key.request_log_ids, id)
  if not known or tonumber(known:sub(18)) <= tonumber(at) then
    redis.call('HSET', key.request_log_ids, id, number .. ' ' .. at)
  end
end
