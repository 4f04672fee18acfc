-- Gets the lead for ARGV[1] for ARGV[2] milliseconds. Returns 0 if another holder has it.
local holder = redis.call('GET', hub .. ':lead')
if holder and holder ~= ARGV[1] then
	return 0
end
redis.call('SET', hub .. ':lead', ARGV[1], 'PX', ARGV[2])
return 1
