-- Functions that change live members and their entries, for scripts that do. They need
-- entry.lua. ARGV[1] is the lease and ARGV[2] the TTL in milliseconds, ARGV[3] how many
-- fields the hash of a connection may have.
local room = tonumber(ARGV[3])

-- sweep removes absent entries of a connection id that have expired, or all of them.
local function sweep(key, all)
	local found = redis.call('HGETALL', key)
	for i = 1, #found, 2 do
		if string.find(found[i], '\n', 1, true) then
			local entry = parse(found[i + 1])
			if not entry or all and not entry.present then
				redis.call('HDEL', key, found[i])
			end
		end
	end
end

-- fits makes room for one more field. It returns false if there is none.
local function fits(id)
	local key = hub .. ':connection:' .. id
	local used = redis.call('HLEN', key)
	if used % 32 == 31 or used >= room then
		sweep(key, used >= room)
		used = redis.call('HLEN', key)
	end
	return used < room
end

-- set changes the entry of a live member for a group, or adds it if old is nil. It returns
-- false if there is no room for it.
local function set(id, session, user, group, old, present, order)
	if not old and not fits(id) then
		return false
	end
	local name, changed, value = id .. '\n' .. session, revision()
	if present then
		value = 'p ' .. order .. ' ' .. changed .. ' 0'
	else
		value = string.format('a %s %s %.0f', order, changed, now + ARGV[2])
	end
	redis.call('HSET', hub .. ':connection:' .. id, session .. '\n' .. group, value)
	if not present then
		leave(name, group)
	elseif redis.call('HSET', hub .. ':group:' .. group, name, user, '', changed) == 2 then
		redis.call('ZADD', hub .. ':groups', 0, group)
	end
	return true
end

-- connect makes a member live, for which known is what its connection has, false if it was
-- not live. It renews its lease and returns its user, or nil if there is no room. by is "e"
-- for an event and "l" for a listing.
local function connect(id, session, known, user, by)
	local name, key = id .. '\n' .. session, hub .. ':connection:' .. id
	if not known and not fits(id) then
		return nil
	end
	local old = string.sub(known or '', 2)
	if user == '' then
		user = old
	end
	if known and string.sub(known, 1, 1) == 'e' then
		by = 'e'
	end
	if by .. user ~= known then
		redis.call('HSET', key, session, by .. user)
	end
	redis.call('ZADD', leases, 'GT', now + ARGV[1], name)
	if user == old then
		return user
	end

	redis.call('SADD', hub .. ':user:' .. user, name)
	if old ~= '' then
		redis.call('SREM', hub .. ':user:' .. old, name)
	end
	local all = redis.call('HGETALL', key) -- members of groups have their user there, too
	for i = 1, #all, 2 do
		local of, group = string.match(all[i], '^([^\n]*)\n(.*)$')
		if of == session then
			local entry = parse(all[i + 1])
			if entry and entry.present then
				set(id, session, user, group, entry, true, entry.order)
			elseif entry then
				redis.call('HSET', key, all[i], 'a ' .. entry.order .. ' ' .. revision() .. ' ' .. entry.expires)
			end
		end
	end
	return user
end
