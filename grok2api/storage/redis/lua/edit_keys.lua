-- parts: version
-- Change keys. ARGV: the version to begin at, the number of ids, the ids, then names and values of fields.
-- Returns how many there are.

local last = 2 + tonumber(ARGV[2])
local done = 0
for at = 3, last do
  local own = key.client_key .. ARGV[at]
  if redis.call('EXISTS', own) == 1 then
    for field = last + 1, #ARGV, 2 do redis.call('HSET', own, ARGV[field], ARGV[field + 1]) end
    done = done + 1
  end
end
if #ARGV > last then raise_version(ARGV[1]) end
return done
