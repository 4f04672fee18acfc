-- Ends the member of the connection id ARGV[2] and session id ARGV[3] for ARGV[1]
-- milliseconds. It needs end.lua.
if redis.call('EXISTS', hub .. ':ended:' .. ARGV[2] .. '\n' .. ARGV[3]) == 0 then
	finish(ARGV[2], ARGV[3], ARGV[1])
end
return redis.status_reply('OK')
