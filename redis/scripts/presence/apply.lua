-- Records that a member is connected, has joined or left. ARGV[4] is the kind of the event,
-- ARGV[5] the connection id, ARGV[6] the session id, ARGV[7] the user, ARGV[8] the group and
-- ARGV[9] the order. Returns FULL if there is no room. It needs change.lua and adopt.lua.
local kind, id, session, user, group, order = unpack(ARGV, 4, 9)
if redis.call('EXISTS', hub .. ':ended:' .. id .. '\n' .. session) == 1 then
	return redis.status_reply('OK')
end
local known = redis.call('HMGET', hub .. ':connection:' .. id, session, session .. '\n' .. group)
user = connect(id, session, known[1], user)
if user and session ~= '' then
	user = adopt(id, session, user)
	known[2] = redis.call('HGET', hub .. ':connection:' .. id, session .. '\n' .. group)
end
if user and kind ~= 'connected' then
	local entry = parse(known[2])
	if not entry or tonumber(entry.order) < tonumber(order) then
		user = set(id, session, user, group, entry, kind == 'joined', order)
	end
end
return redis.status_reply(user and 'OK' or 'FULL')
