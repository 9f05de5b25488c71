-- parts: media
-- Forget media that were made before then. ARGV: then, how many at most. Returns how many there were.

local paths = redis.call('ZRANGEBYSCORE', key.media_times, '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, path in ipairs(paths) do forget_media(path) end
return #paths
