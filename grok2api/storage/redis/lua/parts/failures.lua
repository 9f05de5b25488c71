-- What a failure changes in an account, whether a request or a check met it.

-- said: failure and failure_short (the reason, and as long as expired_reason may be), strike_limit, expire.
local function note_failure(account, said, now)
  if said.failure then
    account.failed_count = account.failed_count + 1
    redis.call(
      'HSET', key.account .. account.id,
      'last_failure_at', text(now), 'last_failure_reason', said.failure
    )
    if said.strike_limit then
      account.strikes = account.strikes + 1
      if account.strikes >= said.strike_limit and not account.expired then
        account.expired = said.failure_short
      end
    elseif not said.expire or said.expire == '' then
      account.strikes = 0 -- something else came between: the refusals were not in a row
    end
  end
  if said.expire and account.expired ~= rule.blocked then account.expired = said.expire end
end

local function store_failures(account)
  redis.call(
    'HSET', key.account .. account.id, 'strikes', account.strikes, 'failed_count', account.failed_count
  )
  mark(account)
end
