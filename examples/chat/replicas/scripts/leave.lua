-- Removes a connection. KEYS: the user's hash of connections. ARGV: user, connection,
-- milliseconds of an absence.
local old = redis.call('HGET', KEYS[1], ARGV[2])
if old then
	redis.call('HDEL', KEYS[1], ARGV[2])
	release(KEYS[1], ARGV[1], old, ARGV[3])
end
return 'ok'
