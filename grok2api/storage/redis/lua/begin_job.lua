-- parts: values
-- Start a job unless one runs. ARGV: name, now, then names and values of the new one's fields.
-- Returns the fields of the running one, flat; an empty list when the new one began.

local own, now = key.job .. ARGV[1], tonumber(ARGV[2])
local last = redis.call('HMGET', own, 'beat_at', 'ended_at')
local beat_at, ended_at = number(last[1]), number(last[2])
if beat_at and not ended_at and now - beat_at < rule.job_dead_s then
  return redis.call('HGETALL', own)
end
redis.call('DEL', own)
for at = 3, #ARGV, 2 do redis.call('HSET', own, ARGV[at], ARGV[at + 1]) end
return {}
