-- parts: values standing slots
-- Free the slots of void leases. ARGV: now. Returns 1 when there may be more of them.

return release_void(tonumber(ARGV[1])) == TIDY_LIMIT and 1 or 0
