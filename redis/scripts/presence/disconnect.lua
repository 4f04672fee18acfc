-- Ends the member of the connection id ARGV[2] and session id ARGV[3], and what listings
-- have shown of the connection, for ARGV[1] milliseconds. It needs end.lua.
local ttl, id, session = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', hub .. ':ended:' .. id .. '\n' .. session) == 0 then
	finish(id, session, ttl)
	if session ~= '' then
		forget(id, '')
	end
end
return redis.status_reply('OK')
