-- Records that a member without a session is connected, has joined or left. It does what
-- apply.lua does in less time, with all its keys in KEYS, for the common case. It returns
-- RARE and does nothing if the user of a live member is another, or if there may be no
-- room. It needs clock.lua alone; hub.lua describes the data.
--
-- KEYS are the leases, the end of the member, its connection, the revision, the groups, the
-- group and the user. ARGV[1] is the lease and ARGV[2] the TTL in milliseconds, ARGV[3] how
-- many fields the connection may have, ARGV[4] the kind of the event, ARGV[5] the member,
-- ARGV[6] the user, ARGV[7] the group, ARGV[8] the field of the entry, and ARGV[9] the order.
local kind, member, user = ARGV[4], ARGV[5], ARGV[6]
local ends = redis.call('ZSCORE', KEYS[1], member)
if ends and tonumber(ends) <= now then -- other leases that have ended do not matter here
	return redis.status_reply('PURGE')
elseif redis.call('EXISTS', KEYS[2]) == 1 then
	return redis.status_reply('OK')
end
local known = redis.call('HMGET', KEYS[3], '', ARGV[8])
local live, value = known[1], known[2]
local old = string.sub(live or '', 2)
if live and user ~= '' and user ~= old then
	return redis.status_reply('RARE')
end
user = live and old or user

local write = kind ~= 'connected'
if write and value then
	local state, order, _, expires = string.match(value, '^(%a) (%d+) (%d+) (%d+)$')
	write = tonumber(order) < tonumber(ARGV[9]) or state == 'a' and tonumber(expires) <= now
end
local new = (live and 0 or 1) + (write and not value and 1 or 0)
if new > 0 then
	local used = redis.call('HLEN', KEYS[3])
	if used % 32 + new >= 32 or used + new > tonumber(ARGV[3]) then
		return redis.status_reply('RARE')
	end
end

if live ~= 'e' .. user then
	redis.call('HSET', KEYS[3], '', 'e' .. user)
end
if not live and user ~= '' then
	redis.call('SADD', KEYS[7], member)
end
redis.call('ZADD', KEYS[1], 'GT', now + ARGV[1], member)
if not write then
	return redis.status_reply('OK')
end
local last = redis.call('GET', KEYS[4]) or 0
local revision = string.format('%.0f', math.max(last + 1, now * 1000))
redis.call('SET', KEYS[4], revision)
if kind == 'joined' then
	redis.call('HSET', KEYS[3], ARGV[8], 'p ' .. ARGV[9] .. ' ' .. revision .. ' 0')
	if redis.call('HSET', KEYS[6], member, user, '', revision) == 2 then
		redis.call('ZADD', KEYS[5], 0, ARGV[7])
	end
	return redis.status_reply('OK')
end
redis.call('HSET', KEYS[3], ARGV[8], string.format('a %s %s %.0f', ARGV[9], revision, now + ARGV[2]))
if redis.call('HDEL', KEYS[6], member) == 1 then
	if redis.call('HLEN', KEYS[6]) == 1 then
		redis.call('DEL', KEYS[6])
		redis.call('ZREM', KEYS[5], ARGV[7])
	else
		redis.call('HSET', KEYS[6], '', revision)
	end
end
return redis.status_reply('OK')
