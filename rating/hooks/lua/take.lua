-- Takes deliveries that are due; they are not due again before the lease is over.
-- KEYS  1 deliveries  2 due
-- ARGV  1 most  2 lease, ms
-- Reply the deliveries
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[1])) do
  local delivery = redis.call('HGET', KEYS[1], id)
  if delivery then
    redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[2]), id)
    taken[#taken + 1] = delivery
  else
    redis.call('ZREM', KEYS[2], id)
  end
end
return taken
