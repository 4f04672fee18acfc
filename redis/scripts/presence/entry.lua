-- Functions of entries, for scripts that change some.

-- revision returns the revision of all changes of this call. It is made from the time, so
-- that it does not start again if the server loses data.
local current
local function revision()
	if not current then
		local last = redis.call('GET', hub .. ':revision') or 0
		current = string.format('%.0f', math.max(last + 1, now * 1000))
		redis.call('SET', hub .. ':revision', current)
	end
	return current
end

-- parse returns an entry, nil if there is none or it has expired.
local function parse(value)
	if not value then
		return nil
	end
	local state, order, changed, expires = string.match(value, '^(%a) (%d+) (%d+) (%d+)$')
	if state == 'a' and tonumber(expires) <= now then
		return nil
	end
	return {present = state == 'p', order = order, revision = tonumber(changed), expires = expires}
end

-- leave removes a member from a group.
local function leave(name, group)
	local key = hub .. ':group:' .. group
	if redis.call('HDEL', key, name) == 0 then
		return
	end
	local changed = revision()
	if redis.call('HLEN', key) == 1 then
		redis.call('DEL', key)
		redis.call('ZREM', hub .. ':groups', group)
	else
		redis.call('HSET', key, '', changed)
	end
end
