-- parts: media
-- The newest media of a kind. ARGV: kind ('' for all), how many to leave out, how many at most.
-- Returns {how many there are in all, path, record, path, record, ...}.

local set = ARGV[1] == '' and key.media_times or key.media_kind .. ARGV[1]
local first, count = tonumber(ARGV[2]), tonumber(ARGV[3])
local paths = count > 0 and redis.call('ZREVRANGE', set, first, first + count - 1) or {}
return tell_media({redis.call('ZCARD', set)}, paths)
