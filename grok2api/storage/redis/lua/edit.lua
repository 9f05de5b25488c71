-- parts: values standing
-- Change accounts. ARGV: now, tier ('' for None), tags (optional, JSON), note (optional), disabled ('' for
-- None, 1, 0), lift (1, 0), tags to add (JSON), tags to remove (JSON), the ids. Returns how many there are.

local now, tier, tags, note = tonumber(ARGV[1]), ARGV[2], optional(ARGV[3]), optional(ARGV[4])
local disabled, lift = ARGV[5], ARGV[6] == '1'
local added, removed = cjson.decode(ARGV[7]), cjson.decode(ARGV[8])

local function count_tags(names, step)
  for _, name in ipairs(names) do
    if redis.call('HINCRBY', key.tags, name, step) <= 0 then redis.call('HDEL', key.tags, name) end
  end
end

-- Each name of these lists once, but for those of `without`.
local function together(lists, without)
  local seen, names = {}, {}
  for _, name in ipairs(without) do seen[name] = true end
  for _, list in ipairs(lists) do
    for _, name in ipairs(list) do
      if not seen[name] then names[#names + 1] = name end
      seen[name] = true
    end
  end
  return names
end

local function set_tags(own)
  local old = cjson.decode(redis.call('HGET', own, 'tags'))
  local kept = tags and cjson.decode(tags) or together({old}, removed)
  local new = together({kept, added}, {})
  count_tags(new, 1)
  count_tags(old, -1)
  redis.call('HSET', own, 'tags', #new > 0 and cjson.encode(new) or '[]') -- an empty table would be {}
end

local function set_disabled(account)
  account.disabled = disabled == '1'
  if account.disabled then
    redis.call('ZREM', key.checked, account.id)
  else
    redis.call('ZADD', key.checked, redis.call('HGET', key.account .. account.id, 'checked_at'), account.id)
  end
end

local function lift_standing(standing)
  standing.cooldown_until, standing.rest_until_request, standing.rest_until_at = nil, nil, nil
  if standing.remaining == 0 then -- it is to serve again; upstream will say if it cannot
    standing.remaining, standing.window_ends_at = nil, nil
  end
end

local function edit(account)
  local own = key.account .. account.id
  if tags or #added > 0 or #removed > 0 then set_tags(own) end
  if note then redis.call('HSET', own, 'note', note) end
  if tier ~= '' then
    account.tier = tier
    redis.call('HSET', own, 'tier', tier)
  end
  if lift then redis.call('HSET', own, 'strikes', 0, 'failed_count', 0) end
  if disabled ~= '' then
    set_disabled(account)
    mark(account)
  end
  if tier ~= '' or lift or disabled ~= '' then
    for _, standing in ipairs(standings_of(account.id)) do
      if lift then lift_standing(standing) end
      write(account, standing, now)
    end
  end
end

local done = 0
for at = 9, #ARGV do
  local account = account_of(ARGV[at])
  if account then
    edit(account)
    done = done + 1
  end
end
return done
