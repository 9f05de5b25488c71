-- The settings' version, which tells every worker to read them anew, and the clients' keys too.

-- first: where to begin where it was lost, with one that was never given before.
local function raise_version(first)
  redis.call('SETNX', key.settings_version, first)
  return redis.call('INCR', key.settings_version)
end
