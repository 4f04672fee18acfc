-- Gives the event KEYS[1] the value ARGV[2] of a finished one for ARGV[3] milliseconds, if
-- its value is ARGV[1], a claim, or nobody holds it. Returns 0 if another claim does, or
-- has finished it. deduplication.go describes the values.
local value = redis.call('GET', KEYS[1])
if value == ARGV[1] or not value or value == 'a' then
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
	return 1
end
local start = 'f' .. string.char(#ARGV[1] - 1) .. string.sub(ARGV[1], 2)
return string.sub(value, 1, #start) == start and 1 or 0
