-- Takes a dead letter back into the queue.
-- KEYS  1 deliveries  2 due  3 dead
-- ARGV  1 id  2 delivery
-- Reply 1; 0 it is no dead letter
if redis.call('ZREM', KEYS[3], ARGV[1]) == 0 then return 0 end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), ARGV[1])
return 1
