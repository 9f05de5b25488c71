-- parts: sealing version
-- Store settings and raise their version. ARGV: the check value, the version to begin at, then names and
-- sealed values.

if not may_write(ARGV[1]) then return redis.error_reply(FOREIGN) end
for at = 3, #ARGV, 2 do redis.call('HSET', key.settings, ARGV[at], ARGV[at + 1]) end
return raise_version(ARGV[2])
