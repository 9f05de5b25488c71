-- parts: values standing
-- Give accounts that lack one a standing in a pool. ARGV: pool, the id to go on after, how many at most.
-- Returns the last id that was looked at, nil when all have been.

local pool = ARGV[1]
local ids = redis.call('ZRANGEBYSCORE', key.accounts, '(' .. ARGV[2], '+inf', 'LIMIT', 0, tonumber(ARGV[3]))
for _, id in ipairs(ids) do
  if not standing_of(id, pool) then
    local account = account_of(id)
    write(account, new_standing(account, pool), account.used_at)
  end
end
if #ids == 0 then redis.call('HSET', key.pools, pool, '1') end
return ids[#ids] or false
