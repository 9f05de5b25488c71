-- The one word that stands for an account.

-- `status_of` of accounts.py; a contract test compares. account: expired_reason and request_count of its hash.
local function status_of(account, standings, now)
  if account.expired_reason then return 'expired' end
  local quota, known = {}, false
  for _, standing in ipairs(standings) do
    known = known or standing.remaining ~= nil
    if standing.pool == rule.default_pool then quota = standing end
  end
  local ended = quota.window_ends_at and quota.window_ends_at <= now
  if quota.cooldown_until and quota.cooldown_until > now then return 'cooling' end
  if quota.remaining and quota.remaining <= 0 and not ended then return 'exhausted' end
  if quota.rest_until_at and quota.rest_until_at > now then return 'cooling' end
  return (known or tonumber(account.request_count) > 0) and 'active' or 'unused'
end
