-- Takes a dead letter back into the queue.
-- KEYS  1 deliveries  2 due  3 dead  4 URLs by when something is due
-- ARGV  1 URL  2 id  3 delivery
-- Reply 1; 0 it is no dead letter
if redis.call('ZREM', KEYS[3], ARGV[2]) == 0 then return 0 end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[2], string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), ARGV[2])
place(KEYS[2], KEYS[4], ARGV[1])
return 1
