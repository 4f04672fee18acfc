-- The time of the server in milliseconds. All scripts but lead.lua begin with this file.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
