-- Returns the groups for which a session of the connection id ARGV[1] has a present entry.
local all = redis.call('HGETALL', hub .. ':connection:' .. ARGV[1])
local seen, names = {}, {}
for i = 1, #all, 2 do
	local group = string.match(all[i], '^[^\n]*\n(.*)$')
	if group and not seen[group] and string.sub(all[i + 1], 1, 1) == 'p' then
		seen[group] = true
		names[#names + 1] = group
	end
end
return names
