-- parts: values standing sealing births
-- Add accounts, or move known ones to the tier. ARGV: the check value, tier, now, the number of pools, the
-- pools, then for each account: digest, sealed secret, hint. Returns {added, moved}.

local check, tier, now, pool_count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if not may_write(check) then return redis.error_reply(FOREIGN) end
local pools = {}
for at = 5, 4 + pool_count do pools[#pools + 1] = ARGV[at] end
ensure_pools(pools)
pools = redis.call('HKEYS', key.pools)

local function move(id)
  local account = account_of(id)
  if account.tier == tier then return 0 end
  account.tier = tier
  redis.call('HSET', key.account .. id, 'tier', tier)
  for _, standing in ipairs(standings_of(id)) do write(account, standing, tonumber(now)) end
  return 1
end

local added, moved = 0, 0
for at = 5 + pool_count, #ARGV, 3 do
  local digest = ARGV[at]
  local id = redis.call('HGET', key.digests, digest)
  if id then
    moved = moved + move(id)
  else
    id = string.format('%.0f', redis.call('INCR', key.last_id))
    create(id, {
      digest = digest, secret = ARGV[at + 1], hint = ARGV[at + 2], tier = tier, created_at = now,
      disabled = '0', in_flight = '0', used_at = '0', strikes = '0', failed_count = '0', request_count = '0',
      note = '', tags = '[]', checked_at = '0',
    }, {}, {}, pools)
    added = added + 1
  end
end
return {added, moved}
