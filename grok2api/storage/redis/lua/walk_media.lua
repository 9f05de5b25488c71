-- parts: media
-- The next media in the order of their paths. ARGV: the path to go on after ('' to start), how many at most.
-- Returns {path, record, path, record, ...}.

return tell_media({}, redis.call('ZRANGEBYLEX', key.media_paths, '(' .. ARGV[1], '+', 'LIMIT', 0, ARGV[2]))
