-- Reserves a nickname. KEYS: the user's hash of connections, and a key for each look of
-- the nickname, which has the user. ARGV: user, connection, JSON with the nickname and its
-- keys, whether the connection arrives, milliseconds of a reservation and of an absence.
for i = 2, 3 do
	local holder = redis.call('GET', KEYS[i])
	if holder and holder ~= ARGV[1] then
		if redis.call('PTTL', KEYS[i]) <= tonumber(ARGV[6]) then
			return 'absent'
		end
		return 'here'
	end
end
local old = redis.call('HGET', KEYS[1], ARGV[2])
if not old and ARGV[4] == '0' then
	return 'ok'
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if old and old ~= ARGV[3] then
	release(KEYS[1], ARGV[1], old, 0)
end
for i = 2, 3 do
	redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[5])
end
return 'ok'
