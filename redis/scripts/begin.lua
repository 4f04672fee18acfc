-- Claims the event KEYS[1] by the claim ARGV[1] for ARGV[2] milliseconds, if nobody holds it
-- or the claim does. Returns 2 if the event was abandoned, 1 otherwise, and the value if
-- another claim holds the event or it is finished. deduplication.go describes the values.
local value = redis.call('GET', KEYS[1])
local claimed = 'c' .. ARGV[1]
if value and value ~= 'a' and value ~= claimed then
	return value
end
redis.call('SET', KEYS[1], claimed, 'PX', ARGV[2])
return value == 'a' and 2 or 1
