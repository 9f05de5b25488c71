-- parts: media
-- Store media, in place of those of the same paths. ARGV: path, kind, account id, created_at of each.

for at = 1, #ARGV, 4 do
  local path, kind, account_id, created_at = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  forget_media(path) -- it may have been of another kind
  redis.call('HSET', key.media, path, kind .. ' ' .. account_id .. ' ' .. created_at)
  redis.call('ZADD', key.media_paths, 0, path)
  redis.call('ZADD', key.media_times, created_at, path)
  redis.call('ZADD', key.media_kind .. kind, created_at, path)
end
