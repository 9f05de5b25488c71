-- parts: journal
-- Store entries in this order. ARGV: at, request id with a blank and JSON, of each.

for at = 1, #ARGV, 2 do append(key.request_log, key.request_log_last, ARGV[at], ARGV[at + 1]) end
