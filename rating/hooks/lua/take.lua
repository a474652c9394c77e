-- Takes the delivery of a URL that has been due for longest; it is not due again before the lease is over.
-- KEYS  1 deliveries  2 due  3 dead  4 URLs by when something is due
-- ARGV  1 URL  2 lease, ms
-- Reply the delivery; nil where none is due
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local taken = false
for _ = 1, 100 do -- an id whose delivery is gone is passed over
  local id = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, 1)[1]
  if not id then break end
  taken = redis.call('HGET', KEYS[1], id)
  if taken then
    redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[2]), id)
    break
  end
  redis.call('ZREM', KEYS[2], id)
end
place(KEYS[2], KEYS[4], ARGV[1])
return taken
