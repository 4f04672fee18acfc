-- Functions that end members, for scripts that do. They need entry.lua.

-- fields returns the user of a live session, with the letter before it, and its entries, also
-- those that have expired, and the number of fields of other sessions.
local function fields(id, session)
	local all = redis.call('HGETALL', hub .. ':connection:' .. id)
	local user, entries, others = nil, {}, 0
	for i = 1, #all, 2 do
		local of, group = string.match(all[i], '^([^\n]*)\n(.*)$')
		if all[i] == session then
			user = all[i + 1]
		elseif of == session then
			entries[group] = parse(all[i + 1]) or {expired = true}
		else
			others = others + 1
		end
	end
	return user, entries, others
end

-- forget makes a live member unknown.
local function forget(id, session)
	local name, key = id .. '\n' .. session, hub .. ':connection:' .. id
	local user, entries, others = fields(id, session)
	redis.call('ZREM', leases, name)
	if not user then
		return
	end
	if others == 0 then
		redis.call('DEL', key)
	else
		redis.call('HDEL', key, session)
	end
	for group, entry in pairs(entries) do
		if others > 0 then
			redis.call('HDEL', key, session .. '\n' .. group)
		end
		if entry.present then
			leave(name, group)
		end
	end
	if #user > 1 then
		redis.call('SREM', hub .. ':user:' .. string.sub(user, 2), name)
	end
end

-- finish ends a member for a time, whether it is known or not, and what listings have shown
-- of its connection.
local function finish(id, session, ttl)
	forget(id, session)
	redis.call('SET', hub .. ':ended:' .. id .. '\n' .. session, revision(), 'PX', ttl)
	if session == '' then
		return
	end
	forget(id, '')
	local key = hub .. ':sessions:' .. id
	redis.call('SADD', key, session)
	if redis.call('SCARD', key) % 64 == 0 then
		for _, other in ipairs(redis.call('SMEMBERS', key)) do
			if redis.call('EXISTS', hub .. ':ended:' .. id .. '\n' .. other) == 0 then
				redis.call('SREM', key, other)
			end
		end
	end
	if redis.call('PTTL', key) < tonumber(ttl) then
		redis.call('PEXPIRE', key, ttl)
	end
end
