-- Returns up to ARGV[1] entries of the stream KEYS[1] after the one with the id ARGV[3]
-- that are not older than ARGV[2] milliseconds, the oldest first. Returns nil if the entry
-- is not in the stream: what followed it may not be, either.
if #redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3]) == 0 then
	return false
end
local now = redis.call('TIME')
local oldest = now[1] * 1000 + math.floor(now[2] / 1000) - ARGV[2]
local start = '(' .. ARGV[3]
if tonumber(string.match(ARGV[3], '^%d+')) < oldest then
	start = string.format('%.0f', oldest)
end
return redis.call('XRANGE', KEYS[1], start, '+', 'COUNT', ARGV[1])
