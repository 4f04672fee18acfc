-- Makes members unknown whose lease has ended, ARGV[1] of them at most, so that no call keeps
-- the server busy for long. It needs end.lua.
for _, name in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, ARGV[1])) do
	forget(string.match(name, '^([^\n]*)\n(.*)$'))
end
return 'OK'
