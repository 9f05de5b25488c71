-- Accounts with all that is known of them. ARGV: the ids; those that are not there are left out.
-- Returns the pools with their counts of client requests, flat, and then a list for each account: its hash and
-- those of its standings, each of them flat and beginning with the pool's name.

local pools = redis.call('HKEYS', key.pools)
local counted = {}
for _, pool in ipairs(pools) do
  counted[#counted + 1] = pool
  counted[#counted + 1] = redis.call('GET', key.requests .. pool) or '0'
end

local reply = {counted}
for _, id in ipairs(ARGV) do
  local own = redis.call('HGETALL', key.account .. id)
  if #own > 0 then
    own[#own + 1], own[#own + 2] = 'id', id
    local account = {own}
    for _, pool in ipairs(pools) do
      local standing = redis.call('HGETALL', key.standing .. id .. ':' .. pool)
      if #standing > 0 then
        standing[#standing + 1], standing[#standing + 2] = 'pool', pool
        account[#account + 1] = standing
      end
    end
    reply[#reply + 1] = account
  end
end
return reply
