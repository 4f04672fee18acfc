-- adopt moves what listings have shown of a connection, without its session, to the
-- session. It returns the user of the session, or nil if there is no room. It needs end.lua
-- and change.lua.
local function adopt(id, session, user)
	local bare, shown = fields(id, '')
	if not bare then
		return user
	end
	local _, own = fields(id, session)
	if user == '' and bare ~= '' then
		rename(id, session, '', bare)
		user = bare
	end
	forget(id, '')
	for group, entry in pairs(shown) do
		if not entry.expired then
			local mine = own[group]
			if mine and not mine.expired then
				if tonumber(mine.order) > tonumber(entry.order) then
					entry.order = mine.order
				end
				if mine.revision > entry.revision then
					entry.present = mine.present
				end
			end
			if not set(id, session, user, group, mine, entry.present, entry.order) then
				return nil
			end
		end
	end
	return user
end
