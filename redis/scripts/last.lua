-- Returns the last ARGV[1] entries of the stream KEYS[1] that are not older than ARGV[2]
-- milliseconds, the newest first.
local now = redis.call('TIME')
local oldest = now[1] * 1000 + math.floor(now[2] / 1000) - ARGV[2]
return redis.call('XREVRANGE', KEYS[1], '+', string.format('%.0f', oldest), 'COUNT', ARGV[1])
