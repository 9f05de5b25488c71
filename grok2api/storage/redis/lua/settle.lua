-- parts: values standing slots failures
-- End a lease. ARGV: lease, account, pool, cost, now, used, reset (1, 0), failure (optional), the same cut
-- short, strike_limit ('' for None), expire (optional), cooldown_s ('' for None), rest_requests, rest_s,
-- exhausted (1, 0).

local lease, id, pool, cost, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local more, reset = tonumber(ARGV[6]) - cost, ARGV[7] == '1'
local said = {
  failure = optional(ARGV[8]),
  failure_short = ARGV[9],
  strike_limit = number(ARGV[10]),
  expire = optional(ARGV[11]),
}
local cooldown_s, rest_requests, rest_s = number(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local exhausted = ARGV[15] == '1'

local held = drop(lease)
if not held and redis.call('ZREM', key.void, lease) == 0 then return end -- settled already
local account = account_of(id)
if not account then return end -- deleted meanwhile
local standings = standings_of(id)
local mine
for _, standing in ipairs(standings) do
  if standing.pool == pool then mine = standing end
end
if held then give_back(account, standings, pool, cost) end
redis.call('HINCRBY', key.account .. id, 'request_count', 1)
redis.call('HSET', key.account .. id, 'last_used_at', text(now))

-- The common end: an account without failures to forget needs no more.
local plain = reset and more == 0 and account.strikes == 0 and account.failed_count == 0
if plain and not (mine and mine.rest_until_at) then
  for _, standing in ipairs(standings) do write_in_place(account, standing) end
  return
end

local function change(standing)
  if more > 0 or held then -- a void lease's cost stays spent
    standing.taken = standing.taken + more
    standing.remaining = standing.remaining and math.max(0, standing.remaining - more)
  end
  if reset then
    standing.rest_until_request, standing.rest_until_at = nil, nil
  end
  if exhausted then
    local window_s = cooldown_s and cooldown_s > 0 and cooldown_s or rule.default_window_s
    standing.remaining, standing.window_ends_at = 0, now + window_s
  end
  if cooldown_s then
    standing.cooldown_until = math.max(standing.cooldown_until or 0, now + cooldown_s)
  end
  if rest_requests > 0 then
    local counted = tonumber(redis.call('GET', key.requests .. pool) or 0)
    standing.rest_until_request, standing.rest_until_at = counted + rest_requests, now + rest_s
  end
end

if reset then account.strikes, account.failed_count = 0, 0 end
note_failure(account, said, now)
store_failures(account)
if mine then change(mine) end
for _, standing in ipairs(standings) do write(account, standing, now) end
