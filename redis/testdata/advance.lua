-- Lets all keys expire as if ARGV[1] milliseconds had passed, and moves the clock of each
-- hub's presence: shiftedClock.
local hubs = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
	local left = redis.call('PTTL', key)
	if left >= 0 then
		redis.call('PEXPIRE', key, left - ARGV[1])
	end
	local hub = string.match(key, '^.-:presence:{[^}]*}')
	if hub then
		hubs[hub] = true
	end
end
for hub in pairs(hubs) do
	redis.call('INCRBY', hub .. ':shift', ARGV[1])
end
return 1
