-- parts: values logins
-- An attempt to log in. ARGV: address, username, now. Returns how many seconds to wait, '0': go ahead, it has counted.

local now = tonumber(ARGV[3])
local names = {key.login_address .. ARGV[1]}
if not is_good(ARGV[1], now) then names[2] = key.login_username .. ARGV[2] end

local known, wait = {}, 0
for at, name in ipairs(names) do
  known[at] = failures_of(name)
  wait = math.max(wait, wait_of(known[at], now))
end
if wait == 0 then
  for at, name in ipairs(names) do store(name, failed(known[at], now)) end
end
return text(wait)
