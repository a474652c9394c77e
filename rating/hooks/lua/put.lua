-- Queues an event for its URLs, once.
-- KEYS  1 deliveries  2 due  3 dead  4 the event was queued
-- ARGV  1 most deliveries that wait  2 ms for which an event is remembered, then per URL: id, delivery
-- Reply how many were queued; -1 there are too many
if redis.call('ZCARD', KEYS[2]) + (#ARGV - 2) / 2 > tonumber(ARGV[1]) then return -1 end
if not redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[2]) then return 0 end
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
for i = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[2], now, ARGV[i])
end
return (#ARGV - 2) / 2
