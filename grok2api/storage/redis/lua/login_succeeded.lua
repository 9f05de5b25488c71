-- parts: values logins
-- An attempt to log in was good. ARGV: address, username, now.

local address, now = ARGV[1], tonumber(ARGV[3])
redis.call('DEL', key.login_address .. address)
if not is_good(address, now) then
  local username = key.login_username .. ARGV[2]
  store(username, taken_back(failures_of(username)))
end
redis.call('SET', key.good_address .. address, text(now), 'EX', rule.good_address_s)
