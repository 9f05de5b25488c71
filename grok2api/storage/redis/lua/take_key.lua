-- parts: values windows
-- Count a request against the limits of a key. ARGV: id, now. Returns how many seconds to wait, '0': go ahead, it has
-- been counted, or there is no such key.

local own, now = key.client_key .. ARGV[1], tonumber(ARGV[2])
local found = redis.call(
  'HMGET', own, 'per_minute', 'per_day', 'minute_at', 'in_minute', 'day_at', 'in_day', 'last_used_at'
)
if not found[1] then return '0' end
local per_minute, per_day = tonumber(found[1]), tonumber(found[2])
local minute_at, in_minute = running(number(found[3]) or 0, number(found[4]) or 0, rule.minute_s, now)
local day_at, in_day = running(number(found[5]) or 0, number(found[6]) or 0, rule.day_s, now)

local wait_s = 0
if 0 < per_minute and per_minute <= in_minute then wait_s = minute_at + rule.minute_s - now end
if 0 < per_day and per_day <= in_day then wait_s = math.max(wait_s, day_at + rule.day_s - now) end
if wait_s == 0 then
  redis.call('HINCRBY', own, 'request_count', 1)
  redis.call(
    'HSET', own, 'minute_at', text(minute_at), 'in_minute', in_minute + 1, 'day_at', text(day_at),
    'in_day', in_day + 1, 'last_used_at', text(math.max(number(found[7]) or 0, now))
  )
end
return text(wait_s)
