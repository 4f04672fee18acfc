-- Returns up to ARGV[2] live members whose lease ends within ARGV[1] milliseconds, those
-- first that end first, each with the end of its lease and its user.
local soon = string.format('(%.0f', now + ARGV[1])
local found = redis.call('ZRANGEBYSCORE', leases, '-inf', soon, 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local result = {}
for i = 1, #found, 2 do
	local id, session = string.match(found[i], '^([^\n]*)\n(.*)$')
	result[#result + 1] = found[i]
	result[#result + 1] = found[i + 1]
	result[#result + 1] = string.sub(redis.call('HGET', hub .. ':connection:' .. id, session) or '', 2)
end
return result
