-- Returns up to ARGV[2] groups with members after ARGV[1], which "(" precedes, or from "-".
return redis.call('ZRANGEBYLEX', hub .. ':groups', ARGV[1], '+', 'LIMIT', 0, ARGV[2])
