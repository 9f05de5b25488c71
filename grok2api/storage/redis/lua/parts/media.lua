-- The index of media.

local function forget_media(path)
  redis.call('HDEL', key.media, path)
  redis.call('ZREM', key.media_paths, path)
  redis.call('ZREM', key.media_times, path)
  for _, kind in ipairs(rule.media_kinds) do redis.call('ZREM', key.media_kind .. kind, path) end
end

-- Put what is known of these paths behind what the answer has: path, record, path, record, ...
local function tell_media(answer, paths)
  for _, path in ipairs(paths) do
    local record = redis.call('HGET', key.media, path)
    if record then
      answer[#answer + 1] = path
      answer[#answer + 1] = record
    end
  end
  return answer
end
