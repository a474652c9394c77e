-- Tells the other nodes that this one lives, and on which device.
-- KEYS  1 devices  2 when they were last seen
-- ARGV  1 node  2 description of its device  3 ms after which a node is not alive  4 ms after which it is forgotten
-- Reply the descriptions of the nodes that are alive, this one included
-- Invariant: the time is the store's own, so that no node's clock decides who lives. Where that one was set back,
-- who was seen later than now does not live.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[1])
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[4]))) do
  redis.call('HDEL', KEYS[1], node)
  redis.call('ZREM', KEYS[2], node)
end
local devices = {}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], string.format('(%.0f', now - ARGV[3]), string.format('%.0f', now + ARGV[3]))) do
  devices[#devices + 1] = redis.call('HGET', KEYS[1], node)
end
return devices
