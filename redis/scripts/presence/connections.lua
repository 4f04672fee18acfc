-- Returns the live members of the user ARGV[1].
return redis.call('SMEMBERS', hub .. ':user:' .. ARGV[1])
