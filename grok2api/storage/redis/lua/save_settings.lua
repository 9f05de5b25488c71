-- parts: sealing
-- Store settings and raise their version. ARGV: the check value, the version to begin at, then names and
-- sealed values. A version that was lost begins anew with one that was never given before.

if not may_write(ARGV[1]) then return redis.error_reply(FOREIGN) end
for at = 3, #ARGV, 2 do redis.call('HSET', key.settings, ARGV[at], ARGV[at + 1]) end
redis.call('SETNX', key.settings_version, ARGV[2])
return redis.call('INCR', key.settings_version)
