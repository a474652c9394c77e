-- Forgets a delivery that was made.
-- KEYS  1 deliveries  2 due  3 dead  4 URLs by when something is due
-- ARGV  1 URL  2 id
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[2])
place(KEYS[2], KEYS[4], ARGV[1])
return 1
