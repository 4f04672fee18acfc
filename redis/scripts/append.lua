-- Appends ARGV[1] to the stream KEYS[1], which keeps ARGV[2] entries and none that is older
-- than ARGV[3] milliseconds. Returns the id of the entry, which begins with the time.
--
-- If there is a KEYS[2], it keeps the id for ARGV[4] milliseconds, in which the script
-- returns that id and appends nothing.
if KEYS[2] then
	local id = redis.call('GET', KEYS[2])
	if id then
		return id
	end
end
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[2], '*', 'd', ARGV[1])
redis.call('XTRIM', KEYS[1], 'MINID', '=', math.max(0, string.match(id, '^%d+') - ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if KEYS[2] then
	redis.call('SET', KEYS[2], id, 'PX', ARGV[4])
end
return id
