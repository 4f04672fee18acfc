-- Records that a member without a session is connected, has joined or left. It does what
-- apply.lua does with the same arguments in less time, for the common case. It returns RARE
-- and does nothing if the user of a live member is another, or if there may be no room. It
-- needs hub.lua alone.
local kind, id, _, user, group, order = unpack(ARGV, 4, 9)
local member, field, connection = id .. '\n', '\n' .. group, hub .. ':connection:' .. id
local ends = redis.call('ZSCORE', leases, member)
if ends and tonumber(ends) <= now then -- other leases that have ended do not matter here
	return 'PURGE'
elseif redis.call('EXISTS', hub .. ':ended:' .. member) == 1 then
	return 'OK'
end
local known = redis.call('HMGET', connection, '', field)
local live, value = known[1], known[2]
local old = string.sub(live or '', 2)
if live and user ~= '' and user ~= old then
	return 'RARE'
end
user = live and old or user

local write = kind ~= 'connected'
if write and value then
	local state, last, _, expires = string.match(value, '^(%a) (%d+) (%d+) (%d+)$')
	write = tonumber(last) < tonumber(order) or state == 'a' and tonumber(expires) <= now
end
local new = (live and 0 or 1) + (write and not value and 1 or 0)
if new > 0 then
	local used = redis.call('HLEN', connection)
	if used % 32 + new >= 32 or used + new > tonumber(ARGV[3]) then
		return 'RARE'
	end
end

if live ~= 'e' .. user then
	redis.call('HSET', connection, '', 'e' .. user)
end
if not live and user ~= '' then
	redis.call('SADD', hub .. ':user:' .. user, member)
end
redis.call('ZADD', leases, 'GT', now + ARGV[1], member)
if not write then
	return 'OK'
end
local members = hub .. ':group:' .. group
local last = redis.call('GET', hub .. ':revision') or 0
local revision = string.format('%.0f', math.max(last + 1, now * 1000))
redis.call('SET', hub .. ':revision', revision)
if kind == 'joined' then
	redis.call('HSET', connection, field, 'p ' .. order .. ' ' .. revision .. ' 0')
	if redis.call('HSET', members, member, user, '', revision) == 2 then
		redis.call('ZADD', hub .. ':groups', 0, group)
	end
	return 'OK'
end
redis.call('HSET', connection, field, string.format('a %s %s %.0f', order, revision, now + ARGV[2]))
if redis.call('HDEL', members, member) == 1 then
	if redis.call('HLEN', members) == 1 then
		redis.call('DEL', members)
		redis.call('ZREM', hub .. ':groups', group)
	else
		redis.call('HSET', members, '', revision)
	end
end
return 'OK'
