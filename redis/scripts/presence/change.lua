-- Functions that change the entries of a live member. Scripts that need them begin with
-- this file, after hub.lua. ARGV[1] is the lease and ARGV[2] the TTL in milliseconds,
-- ARGV[3] how many fields the hash of a connection may have.
local lease, ttl, room = number(now + ARGV[1]), number(now + ARGV[2]), tonumber(ARGV[3])

-- sweep removes absent entries of a connection id that have expired, or all of them.
local function sweep(id, all)
	local key = hub .. ':connection:' .. id
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
	if used % 32 == 31 then
		sweep(id, false)
		used = redis.call('HLEN', key)
	end
	if used >= room then
		sweep(id, true)
		used = redis.call('HLEN', key)
	end
	return used < room
end

local function write(id, session, group, present, order)
	local value = (present and 'p ' or 'a ') .. number(order) .. ' ' .. revision() .. ' ' .. (present and '0' or ttl)
	redis.call('HSET', hub .. ':connection:' .. id, session .. '\n' .. group, value)
end

local function join(id, session, user, group)
	if redis.call('HSET', hub .. ':group:' .. group, member(id, session), user, '', revision()) == 2 then
		redis.call('ZADD', groups, 0, group)
	end
end

-- set changes the entry of a live member for a group, or adds it if old is nil. It returns
-- false if there is no room for it.
local function set(id, session, user, group, old, present, order)
	if not old and not fits(id) then
		return false
	end
	write(id, session, group, present, order)
	if present then
		join(id, session, user, group)
	else
		leave(id, session, group)
	end
	return true
end

-- rename changes the user of a live member, which is in its groups, too.
local function rename(id, session, old, user)
	if old ~= '' then
		redis.call('SREM', hub .. ':user:' .. old, member(id, session))
	end
	redis.call('SADD', hub .. ':user:' .. user, member(id, session))
	redis.call('HSET', hub .. ':connection:' .. id, session, user)
	local _, entries = fields(id, session)
	for group, entry in pairs(entries) do
		if entry.present then
			write(id, session, group, true, entry.order)
			join(id, session, user, group)
		end
	end
end

-- connect makes a member live, unless it is, renews its lease and returns its user. It
-- returns nil if there is no room.
local function connect(id, session, user)
	local old = redis.call('HGET', hub .. ':connection:' .. id, session)
	if not old then
		if not fits(id) then
			return nil
		end
		redis.call('HSET', hub .. ':connection:' .. id, session, '')
		old = ''
	end
	redis.call('ZADD', leases, 'GT', lease, member(id, session))
	if user == '' or user == old then
		return old
	end
	rename(id, session, old, user)
	return user
end
