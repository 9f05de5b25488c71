-- Who may write secrets: a store whose vault is the one that the place is sealed with.

local FOREIGN = 'SEALED with another key'

local function check_value()
  return redis.call('HGET', key.kept, rule.key_check) or ''
end

-- Whether a store of this check value ('' without a key) may write. A place that has lost everything, as a
-- server without persistence does when it restarts, is its own again.
local function may_write(check)
  local kept = check_value()
  if kept == check then return true end
  local empty = redis.call('EXISTS', key.accounts, key.settings, key.responses) == 0
  if kept ~= '' or not empty then return false end
  redis.call('HSET', key.kept, rule.key_check, check)
  return true
end
