-- Frees the event KEYS[1] and marks it for ARGV[2] milliseconds, if the claim ARGV[1]
-- holds it. Returns 0 if another claim does, or the event is finished. See begin.lua for
-- the values.
local value = redis.call('GET', KEYS[1])
if not value or value == 'a' then
	return 1
elseif value == 'c' .. ARGV[1] then
	redis.call('SET', KEYS[1], 'a', 'PX', ARGV[2])
	return 1
end
return 0
