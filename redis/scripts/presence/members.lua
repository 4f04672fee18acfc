-- Returns the revision of the hub and the members of the group ARGV[1] with their users, or
-- "unchanged" if the group is as at the revision ARGV[2].
local key = hub .. ':group:' .. ARGV[1]
local last = redis.call('GET', hub .. ':revision') or '0'
local changed = redis.call('HGET', key, '')
if not changed then
	return {last, {}}
elseif ARGV[2] ~= '0' and tonumber(changed) <= tonumber(ARGV[2]) then
	return {last, 'unchanged'}
end
return {last, redis.call('HGETALL', key)}
