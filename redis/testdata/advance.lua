-- Lets what there is expire as if ARGV[1] milliseconds had passed: keys, and leases and absent
-- entries of presence.
for _, key in ipairs(redis.call('KEYS', '*')) do
	local left = redis.call('PTTL', key)
	if left >= 0 then
		redis.call('PEXPIRE', key, left - ARGV[1])
	elseif string.match(key, ':leases$') then
		for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
			redis.call('ZINCRBY', key, -ARGV[1], member)
		end
	elseif string.match(key, '}:connection:') then
		local all = redis.call('HGETALL', key)
		for i = 1, #all, 2 do
			local value, expires = string.match(all[i + 1], '^(a %d+ %d+ )(%d+)$')
			if value then
				redis.call('HSET', key, all[i], string.format('%s%.0f', value, expires - ARGV[1]))
			end
		end
	end
end
return 1
