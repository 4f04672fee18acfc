-- Ends the reservations of a nickname after a time, unless another connection of the user
-- has the nickname. The keys are in the value, and on the same server of a cluster, since
-- all keys of people have the same hash tag.
local function release(connections, user, value, after)
	for _, look in ipairs(cjson.decode(value).looks) do
		local used = false
		for _, other in ipairs(redis.call('HVALS', connections)) do
			for _, its in ipairs(cjson.decode(other).looks) do
				used = used or its == look
			end
		end
		if not used and redis.call('GET', look) == user then
			redis.call('PEXPIRE', look, after)
		end
	end
end
