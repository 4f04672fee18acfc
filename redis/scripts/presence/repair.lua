-- Applies a part of a listing. ARGV[4] is the group and ARGV[5] the revision before the
-- listing. Elements follow, of four arguments each: add, drop, renew or end, a connection
-- id, a session id, and the user or, for end, the end of the lease. Returns FULL if there
-- was no room for an element of add. It needs end.lua and change.lua.
local group, before = ARGV[4], tonumber(ARGV[5])
local result = 'OK'
local elements = {}

local function find(id, session)
	return parse(redis.call('HGET', hub .. ':connection:' .. id, session .. '\n' .. group))
end

-- newer reports whether a session of a connection id has ended or changed its entry since the
-- listing.
local function newer(id)
	for _, session in ipairs(redis.call('SMEMBERS', hub .. ':sessions:' .. id)) do
		if tonumber(redis.call('GET', hub .. ':ended:' .. id .. '\n' .. session) or 0) > before then
			return true
		end
	end
	local all = redis.call('HGETALL', hub .. ':connection:' .. id)
	for i = 1, #all, 2 do
		local session, name = string.match(all[i], '^([^\n]*)\n(.*)$')
		local entry = name == group and session ~= '' and parse(all[i + 1])
		if entry and entry.revision > before then
			return true
		end
	end
	return false
end

function elements.add(id, session, user)
	if redis.call('EXISTS', hub .. ':ended:' .. id .. '\n' .. session) == 1 or session == '' and newer(id) then
		return
	end
	user = connect(id, session, redis.call('HGET', hub .. ':connection:' .. id, session), user, 'l')
	local entry = find(id, session)
	if entry and (entry.present or entry.revision > before) then
		return
	end
	if not user or not set(id, session, user, group, entry, true, entry and entry.order or '0') then
		result = 'FULL'
	end
end

-- A member of the group that has no entry was left behind by a failure of a server.
function elements.drop(id, session)
	local entry = find(id, session)
	if not entry then
		leave(id .. '\n' .. session, group)
	elseif entry.present and entry.revision <= before then
		set(id, session, '', group, entry, false, entry.order)
	end
end

function elements.renew(id, session)
	if redis.call('HEXISTS', hub .. ':connection:' .. id, session) == 1 then
		redis.call('ZADD', leases, 'GT', now + ARGV[1], id .. '\n' .. session)
	end
end

elements['end'] = function(id, session, expires)
	if redis.call('ZSCORE', leases, id .. '\n' .. session) ~= expires then
		return
	end
	local known = redis.call('HGET', hub .. ':connection:' .. id, session)
	if known and string.sub(known, 1, 1) == 'e' then
		finish(id, session, ARGV[2])
	else
		forget(id, session)
	end
end

for i = 6, #ARGV, 4 do
	elements[ARGV[i]](ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return result
