-- The rule that holds up logins, as login_rule.py has it; a contract test compares. failures: a table of count,
-- started_at and held_until, nil where there is none.

local function failures_of(name)
  local found = redis.call('HMGET', name, 'count', 'started_at', 'held_until')
  if not found[1] then return nil end
  return {count = tonumber(found[1]), started_at = tonumber(found[2]), held_until = tonumber(found[3])}
end

local function wait_of(failures, now)
  return failures and math.max(0, failures.held_until - now) or 0
end

local function hold_s(count)
  return math.min(rule.login_wait_max_s, 2 ^ (count - rule.login_free + 1))
end

-- After one more failure.
local function failed(failures, now)
  if not failures or now - failures.held_until >= rule.login_window_s then
    return {count = 1, started_at = now, held_until = now}
  end
  local count = failures.count + 1
  local held_until = count >= rule.login_free and now + hold_s(count) or failures.started_at
  return {count = count, started_at = failures.started_at, held_until = held_until}
end

-- As if one failure had not been.
local function taken_back(failures)
  if not failures or failures.count <= 1 then return nil end
  local count, held_until = failures.count - 1, failures.started_at
  if count >= rule.login_free then
    held_until = failures.held_until - hold_s(failures.count) + hold_s(count)
  end
  return {count = count, started_at = failures.started_at, held_until = held_until}
end

-- The server forgets them by itself.
local function store(name, failures)
  if not failures then
    redis.call('DEL', name)
    return
  end
  redis.call(
    'HSET', name, 'count', failures.count, 'started_at', text(failures.started_at),
    'held_until', text(failures.held_until)
  )
  redis.call('EXPIRE', name, math.ceil(rule.login_wait_max_s + rule.login_window_s))
end

local function is_good(address, now)
  local good_at = number(redis.call('GET', key.good_address .. address))
  return good_at and now - good_at < rule.good_address_s
end
