-- Records an event. ARGV[4] is its kind, ARGV[5] the connection id, ARGV[6] the session id,
-- ARGV[7] the user, ARGV[8] the group and ARGV[9] the order. Returns FULL if there is no
-- room.
local kind, id, session, user, group, order = unpack(ARGV, 4, 9)
if ended(id, session) then
	return redis.status_reply('OK')
end
if kind == 'disconnected' then
	finish(id, session, ARGV[2])
	if session ~= '' then
		forget(id, '')
	end
	return redis.status_reply('OK')
end
user = connect(id, session, user)
if not user then
	return redis.status_reply('FULL')
end

-- What listings have shown of the connection, without its session, becomes the session's.
if session ~= '' then
	local bare, shown = fields(id, '')
	if bare then
		if user == '' and bare ~= '' then
			rename(id, session, '', bare)
			user = bare
		end
		forget(id, '')
		for name, entry in pairs(shown) do
			if not entry.expired then
				local own = find(id, session, name)
				if own then
					entry.order = math.max(entry.order, own.order)
					if own.revision > entry.revision then
						entry.present = own.present
					end
				end
				if not set(id, session, user, name, own, entry.present, entry.order) then
					return redis.status_reply('FULL')
				end
			end
		end
	end
end

if kind == 'joined' or kind == 'left' then
	local entry = find(id, session, group)
	if not entry or entry.order < tonumber(order) then
		if not set(id, session, user, group, entry, kind == 'joined', order) then
			return redis.status_reply('FULL')
		end
	end
end
return redis.status_reply('OK')
