-- parts: version
-- Forget keys. ARGV: the version to begin at, the ids. Returns how many there were.

local done = 0
for at = 2, #ARGV do
  redis.call('DEL', key.client_key .. ARGV[at])
  done = done + redis.call('ZREM', key.client_keys, ARGV[at])
end
raise_version(ARGV[1])
return done
