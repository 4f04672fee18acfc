-- Returns up to ARGV[2] live members whose lease ends within ARGV[1] milliseconds, those
-- first that end first, each with the end of its lease and its user.
local found = redis.call('ZRANGEBYSCORE', leases, '-inf', '(' .. number(now + ARGV[1]), 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local result = {}
for i = 1, #found, 2 do
	local id, session = string.match(found[i], '^([^\n]*)\n(.*)$')
	result[#result + 1] = found[i]
	result[#result + 1] = found[i + 1]
	result[#result + 1] = redis.call('HGET', hub .. ':connection:' .. id, session)
end
return result
