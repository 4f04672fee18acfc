-- A script that finds leases that have ended does nothing: the caller runs purge.lua, and then
-- the script again.
if redis.call('ZCOUNT', leases, '-inf', now) > 0 then
	return 'PURGE'
end
