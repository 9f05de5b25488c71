-- parts: journal
-- Store entries in this order. ARGV: at, JSON of each.

for at = 1, #ARGV, 2 do append(key.audit, key.audit_last, ARGV[at], ARGV[at + 1]) end
