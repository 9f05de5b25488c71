-- parts: values standing status
-- Which of the next accounts a query asks for. ARGV: the id to go on after, how many to look at, now, text,
-- the text's digest, status, disabled (1, 0), tier, tag (optional), what to sort by, the id that the text names; ''
-- where nothing is asked.
-- Returns {the last id that was looked at or '', id, sort key, id, sort key, ...}.

local after, count, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local part, digest, status, disabled, tier = ARGV[4]:lower(), ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local tag, sort, named_id = optional(ARGV[9]), ARGV[10], ARGV[11]

local FIELDS = {
  'tier', 'disabled', 'expired_reason', 'request_count', 'last_used_at', 'failed_count', 'in_flight', 'tags',
  'note', 'hint', 'digest',
}

local function account_at(id)
  local found, account = redis.call('HMGET', key.account .. id, unpack(FIELDS)), {}
  for at, name in ipairs(FIELDS) do account[name] = found[at] or nil end
  return account
end

local function contains(hay)
  return hay:lower():find(part, 1, true) ~= nil
end

local function has_text(id, account)
  if id == named_id or account.digest == digest or contains(account.hint) or contains(account.note) then return true end
  for _, name in ipairs(cjson.decode(account.tags)) do
    if contains(name) then return true end
  end
  return false
end

local function has_tag(account)
  for _, name in ipairs(cjson.decode(account.tags)) do
    if name == tag then return true end
  end
  return false
end

local function is_asked_for(id, account)
  return (tier == '' or account.tier == tier)
    and (disabled == '' or account.disabled == disabled)
    and (not tag or has_tag(account))
    and (part == '' or has_text(id, account))
    and (status == '' or status_of(account, standings_of(id), now) == status)
end

local function sort_key(id, account)
  if sort == 'created_time' then return '0' end
  if sort == 'last_used' then return account.last_used_at or '0' end
  if sort == 'remaining_queries' then
    local standing = standing_of(id, rule.default_pool)
    return text(standing and standing.remaining or rule.full_quota)
  end
  return account[sort]
end

local ids = redis.call('ZRANGEBYSCORE', key.accounts, '(' .. after, '+inf', 'LIMIT', 0, count)
local reply = {#ids == count and ids[#ids] or ''}
for _, id in ipairs(ids) do
  local account = account_at(id)
  if is_asked_for(id, account) then
    reply[#reply + 1] = id
    reply[#reply + 1] = sort_key(id, account)
  end
end
return reply
