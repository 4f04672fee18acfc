-- Stores the answer ARGV[2] of the event KEYS[1] for ARGV[3] milliseconds, if the claim
-- ARGV[1] holds the event or nobody does. Returns 0 if another claim does.
--
-- The value of a finished event is "f", the length of the claim in a byte, the claim and
-- the answer. See begin.lua for the others.
local value = redis.call('GET', KEYS[1])
local finished = 'f' .. string.char(#ARGV[1]) .. ARGV[1]
if not value or value == 'a' or value == 'c' .. ARGV[1] then
	redis.call('SET', KEYS[1], finished .. ARGV[2], 'PX', ARGV[3])
	return 1
end
return string.sub(value, 1, #finished) == finished and 1 or 0
