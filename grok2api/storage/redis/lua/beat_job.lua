-- Store how far a job is, if it is still its owner's. ARGV: name, owner, then names and values of fields.
-- Returns 1, or 0 when it is another's.

local own = key.job .. ARGV[1]
if redis.call('HGET', own, 'owner') ~= ARGV[2] then return 0 end
for at = 3, #ARGV, 2 do redis.call('HSET', own, ARGV[at], ARGV[at + 1]) end
return 1
