-- Frees the event KEYS[1] and marks it for ARGV[2] milliseconds, if its value is ARGV[1], a
-- claim. Returns 0 if another claim holds the event, or it is finished.
-- deduplication.go describes the values.
local value = redis.call('GET', KEYS[1])
if value == ARGV[1] then
	redis.call('SET', KEYS[1], 'a', 'PX', ARGV[2])
	return 1
end
return (not value or value == 'a') and 1 or 0
