-- Ends the member of the connection id ARGV[2] and session id ARGV[3] for ARGV[1]
-- milliseconds. It needs end.lua, and not purged.lua: it removes the same whether or not the
-- lease of the member has ended.
if redis.call('EXISTS', hub .. ':ended:' .. ARGV[2] .. '\n' .. ARGV[3]) == 0 then
	finish(ARGV[2], ARGV[3], ARGV[1])
end
return 'OK'
