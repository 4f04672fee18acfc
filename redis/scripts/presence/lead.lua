-- Gets the lead for ARGV[1] for ARGV[2] milliseconds. Returns 0 if another holder has it.
local key = KEYS[1] .. ':lead'
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[1] then
	return 0
end
redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
return 1
