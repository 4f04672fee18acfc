-- The data of a hub. All scripts of this folder begin with clock.lua and this file.
--
-- KEYS[1] is the name of the hub's data, PREFIX:presence:{HUB}. All keys begin with it, so
-- they are on one server of a cluster. A member is a connection id, a line feed and a
-- session id, which have no control characters.
--
--	:leases         sorted set of live members by the end of their lease in milliseconds
--	:ended:MEMBER   exists while a member is ended
--	:connection:ID  hash of a connection id: the user of each live session; and for each
--	                session, line feed and group, the entry, which is "p" (present) or "a"
--	                (absent), its order, its revision, and when it expires if it is absent
--	:user:USER      set of live members of a user
--	:group:GROUP    hash of the members that have a present entry, with their users; and ""
--	                with the revision of the last change
--	:groups         sorted set of the groups with members, all with the score 0
--	:revision       the revision
--	:lead           the holder of the lead
local hub = KEYS[1]
local leases, groups = hub .. ':leases', hub .. ':groups'
local now = clock()

local function number(n)
	return string.format('%.0f', tonumber(n))
end

local function member(id, session)
	return id .. '\n' .. session
end

-- revision returns the revision of all changes of this call. It is made from the time, so
-- that it does not start again if the server loses data.
local current
local function revision()
	if not current then
		local last = redis.call('GET', hub .. ':revision') or 0
		current = number(math.max(last + 1, now * 1000))
		redis.call('SET', hub .. ':revision', current)
	end
	return current
end

local function parse(value)
	local state, order, changed, expires = string.match(value, '^(%a) (%d+) (%d+) (%d+)$')
	if state == 'a' and tonumber(expires) <= now then
		return nil
	end
	return {present = state == 'p', order = tonumber(order), revision = tonumber(changed)}
end

local function find(id, session, group)
	local value = redis.call('HGET', hub .. ':connection:' .. id, session .. '\n' .. group)
	return value and parse(value)
end

-- fields returns the user and the entries of a live session, and the number of fields
-- that belong to other sessions.
local function fields(id, session)
	local all = redis.call('HGETALL', hub .. ':connection:' .. id)
	local user, entries, others = nil, {}, 0
	for i = 1, #all, 2 do
		local of, group = string.match(all[i], '^([^\n]*)\n(.*)$')
		if all[i] == session then
			user = all[i + 1]
		elseif of == session then
			entries[group] = parse(all[i + 1]) or {present = false, expired = true}
		else
			others = others + 1
		end
	end
	return user, entries, others
end

local function leave(id, session, group)
	local key = hub .. ':group:' .. group
	if redis.call('HDEL', key, member(id, session)) == 0 then
		return
	end
	local changed = revision()
	if redis.call('HLEN', key) == 1 then
		redis.call('DEL', key)
		redis.call('ZREM', groups, group)
	else
		redis.call('HSET', key, '', changed)
	end
end

-- forget makes a live member unknown.
local function forget(id, session)
	local user, entries, others = fields(id, session)
	if not user then
		return
	end
	local key = hub .. ':connection:' .. id
	redis.call('ZREM', leases, member(id, session))
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
			leave(id, session, group)
		end
	end
	if user ~= '' then
		redis.call('SREM', hub .. ':user:' .. user, member(id, session))
	end
end

-- finish ends a member, whether it is known or not.
local function finish(id, session, ttl)
	forget(id, session)
	redis.call('SET', hub .. ':ended:' .. member(id, session), '', 'PX', ttl)
end

local function ended(id, session)
	return redis.call('EXISTS', hub .. ':ended:' .. member(id, session)) == 1
end

-- Members whose lease has ended become unknown. If there are many, the script is to be
-- called again, so that no call keeps the server busy for long.
local expired = redis.call('ZRANGEBYSCORE', leases, '-inf', number(now), 'LIMIT', 0, 500)
for _, name in ipairs(expired) do
	forget(string.match(name, '^([^\n]*)\n(.*)$'))
end
if #expired == 500 then
	return redis.status_reply('MORE')
end
