-- parts: version
-- Store keys. ARGV: the version to begin at, then for each: an id to keep ('' for a new one) and JSON of its fields,
-- as texts. Returns the ids.

-- An id to keep must be free: it is for an empty place.
for at = 2, #ARGV, 2 do
  if redis.call('EXISTS', key.client_key .. ARGV[at]) == 1 then
    return redis.error_reply('key ' .. ARGV[at] .. ' exists already')
  end
end

local function id_for(kept)
  if kept == '' then return string.format('%.0f', redis.call('INCR', key.client_key_last)) end
  if tonumber(kept) > tonumber(redis.call('GET', key.client_key_last) or 0) then
    redis.call('SET', key.client_key_last, kept)
  end
  return kept
end

local ids = {}
for at = 2, #ARGV, 2 do
  local id = id_for(ARGV[at])
  for name, value in pairs(cjson.decode(ARGV[at + 1])) do
    redis.call('HSET', key.client_key .. id, name, value)
  end
  redis.call('ZADD', key.client_keys, id, id)
  ids[#ids + 1] = id
end
raise_version(ARGV[1])
return ids
