-- parts: values standing sealing births
-- Add accounts with all that is known of them. ARGV: the check value, the number of pools, the pools, then for
-- each account: an id to keep ('' for a new one) and JSON of {fields, tags, quotas by pool}, numbers as texts.
-- Returns how many were not known.

local check, pool_count = ARGV[1], tonumber(ARGV[2])
if not may_write(check) then return redis.error_reply(FOREIGN) end
local pools = {}
for at = 3, 2 + pool_count do pools[#pools + 1] = ARGV[at] end
ensure_pools(pools)
pools = redis.call('HKEYS', key.pools)

-- An id to keep must be free: it is for an empty place.
for at = 3 + pool_count, #ARGV, 2 do
  if ARGV[at] ~= '' and redis.call('EXISTS', key.account .. ARGV[at]) == 1 then
    return redis.error_reply('account ' .. ARGV[at] .. ' exists already')
  end
end

local function id_for(kept)
  if kept == '' then return string.format('%.0f', redis.call('INCR', key.last_id)) end
  if tonumber(kept) > tonumber(redis.call('GET', key.last_id) or 0) then
    redis.call('SET', key.last_id, kept)
  end
  return kept
end

local added = 0
for at = 3 + pool_count, #ARGV, 2 do
  local account = cjson.decode(ARGV[at + 1])
  if redis.call('HEXISTS', key.digests, account.fields.digest) == 0 then
    create(id_for(ARGV[at]), account.fields, account.tags, account.quotas, pools)
    added = added + 1
  end
end
return added
