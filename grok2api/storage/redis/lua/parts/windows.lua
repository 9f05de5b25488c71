-- The rule of a key's limits, as client_keys.py has it; a contract test compares.

-- The window that `now` lies in: when it began, and its count.
local function running(began_at, count, span_s, now)
  if began_at - rule.clocks_differ_s <= now and now < began_at + span_s then return began_at, count end
  return now - math.fmod(now, span_s), 0
end
