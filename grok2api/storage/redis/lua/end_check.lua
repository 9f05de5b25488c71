-- parts: values standing failures
-- Carry out what a check found. ARGV: id, now, good (1, 0), failure (optional), the same cut short,
-- strike_limit ('' for None), expire (optional), then for each pool that upstream told: its name, remaining,
-- window_ends_at ('' for None), what was settled when the check began.

local id, now, good = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local account = account_of(id)
if not account then return end
note_failure(account, {
  failure = optional(ARGV[4]),
  failure_short = ARGV[5],
  strike_limit = number(ARGV[6]),
  expire = optional(ARGV[7]),
}, now)
if good then
  account.strikes, account.failed_count = 0, 0
  if account.expired ~= rule.blocked then account.expired = nil end
end
store_failures(account)

local readings = {}
for at = 8, #ARGV, 4 do
  readings[ARGV[at]] = {
    remaining = tonumber(ARGV[at + 1]),
    window_ends_at = number(ARGV[at + 2]),
    settled = tonumber(ARGV[at + 3]),
  }
end
for _, standing in ipairs(standings_of(id)) do
  local reading = readings[standing.pool]
  if reading then
    local unseen = standing.taken - reading.settled
    standing.remaining = math.max(0, reading.remaining - unseen)
    standing.window_ends_at = reading.window_ends_at
  end
  write(account, standing, now)
end
