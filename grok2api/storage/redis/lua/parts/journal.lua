-- Journals: sorted sets of entries by their time. An entry is its number in 16 digits, a blank, and what is said.

-- Store an entry. last: the key of the number that was given last.
local function append(journal, last, at, said)
  local number = string.format('%016.0f', redis.call('INCR', last))
  redis.call('ZADD', journal, at, number .. ' ' .. said)
end

-- How many of the oldest entries are from before then, or more than `keep`; at most `limit`.
local function surplus(journal, before, keep, limit)
  local old = redis.call('ZCOUNT', journal, '-inf', '(' .. before)
  return math.min(tonumber(limit), math.max(old, redis.call('ZCARD', journal) - tonumber(keep)))
end
