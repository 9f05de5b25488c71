-- End all sessions.

for _, digest in ipairs(redis.call('ZRANGE', key.sessions, 0, -1)) do
  redis.call('DEL', key.session .. digest)
end
redis.call('DEL', key.sessions)
