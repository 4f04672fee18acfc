-- Records that a member is connected, has joined or left. ARGV[4] is the kind of the event,
-- ARGV[5] the connection id, ARGV[6] the session id, ARGV[7] the user, ARGV[8] the group and
-- ARGV[9] the order. Returns FULL if there is no room. It needs end.lua and change.lua.
local kind, id, session, user, group, order = unpack(ARGV, 4, 9)
local key = hub .. ':connection:' .. id
if redis.call('EXISTS', hub .. ':ended:' .. id .. '\n' .. session) == 1 then
	return 'OK'
end
user = connect(id, session, redis.call('HGET', key, session), user, 'e')
if not user then
	return 'FULL'
end
local entry = parse(redis.call('HGET', key, session .. '\n' .. group))
if kind == 'connected' or entry and tonumber(entry.order) >= tonumber(order) then
	return 'OK'
end
if not set(id, session, user, group, entry, kind == 'joined', order) then
	return 'FULL'
end

-- What a listing has shown of the connection, without its session, is replaced.
local shown = session ~= '' and parse(redis.call('HGET', key, '\n' .. group))
if shown then
	redis.call('HDEL', key, '\n' .. group)
	if shown.present then
		leave(id .. '\n', group)
	end
	local _, entries = fields(id, '')
	local left = 0
	for _, other in pairs(entries) do
		left = left + (other.expired and 0 or 1)
	end
	if left == 0 then
		forget(id, '')
	end
end
return 'OK'
