-- parts: values standing slots sealing
-- Note that upstream is about to be asked about an account. ARGV: id, now, unless_since, the check value.
-- Returns nil, or {sealed secret, tier, pool, settled, pool, settled, ...}.

local id, now, unless_since, check = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local own = key.account .. id
local found = redis.call('HMGET', own, 'checked_at', 'secret', 'tier', 'disabled')
if not found[1] or tonumber(found[1]) > unless_since then return false end
if check_value() ~= check then return redis.error_reply(FOREIGN) end
redis.call('HSET', own, 'checked_at', text(now))
if found[4] == '0' then redis.call('ZADD', key.checked, text(now), id) end
release_void(now)
local reply = {found[2], found[3]}
for _, standing in ipairs(standings_of(id)) do
  reply[#reply + 1] = standing.pool
  reply[#reply + 1] = text(standing.taken - standing.held)
end
return reply
