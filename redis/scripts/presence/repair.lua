-- Applies a part of a listing. ARGV[4] is the group and ARGV[5] the revision before the
-- listing. Elements follow, of four arguments each: add, drop, renew or end, a connection
-- id, a session id, and the user or, for end, the end of the lease. Returns FULL if there
-- was no room for an element of add.
local group, before = ARGV[4], tonumber(ARGV[5])
local result = 'OK'
local elements = {}

function elements.add(id, session, user)
	if ended(id, session) then
		return
	end
	user = connect(id, session, user)
	if not user then
		result = 'FULL'
		return
	end
	local entry = find(id, session, group)
	if entry and (entry.present or entry.revision > before) then
		return
	end
	if not set(id, session, user, group, entry, true, entry and entry.order or 0) then
		result = 'FULL'
	end
end

-- A member of the group that has no entry was left behind by a failure of a server.
function elements.drop(id, session)
	local entry = find(id, session, group)
	if not entry then
		leave(id, session, group)
	elseif entry.present and entry.revision <= before then
		set(id, session, '', group, entry, false, entry.order)
	end
end

function elements.renew(id, session)
	if redis.call('HEXISTS', hub .. ':connection:' .. id, session) == 1 then
		redis.call('ZADD', leases, 'GT', lease, member(id, session))
	end
end

elements['end'] = function(id, session, expires)
	if redis.call('ZSCORE', leases, member(id, session)) == expires then
		finish(id, session, ARGV[2])
	end
end

for i = 6, #ARGV, 4 do
	elements[ARGV[i]](ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return redis.status_reply(result)
