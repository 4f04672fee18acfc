-- Claims the event KEYS[1] by the claim ARGV[1] for ARGV[2] milliseconds. Returns a
-- webpubsub.ClaimState, or the answer of an event that is finished.
--
-- The value of an event is "c" and the claim that holds it, "f" and what finish.lua says,
-- or "a" if it was abandoned.
local value = redis.call('GET', KEYS[1])
local claimed = 'c' .. ARGV[1]
if not value or value == 'a' or value == claimed then
	redis.call('SET', KEYS[1], claimed, 'PX', ARGV[2])
	return value == 'a' and 2 or 1
end
local kind = string.sub(value, 1, 1)
if kind == 'c' then
	return 3
elseif kind == 'f' then
	return string.sub(value, 3 + string.byte(value, 2))
end
return redis.error_reply('ERR the value is of another application: choose another prefix')
