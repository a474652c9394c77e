-- Gives ids that nobody has had.
-- KEYS  1 ids
-- ARGV  1 kind  2 how many  3 an id that they must lie above
-- Reply the last of them
-- Invariant: the counter never goes back.
if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0) < tonumber(ARGV[3]) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
