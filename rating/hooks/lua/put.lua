-- Queues an event for its URLs, once.
-- KEYS  1 deliveries  2 the event was queued  3 URLs by when something is due, then per URL: due
-- ARGV  1 most deliveries that wait for one URL  2 ms for which an event is remembered, then per URL: URL, id, delivery
-- Reply for how many URLs there was no room
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then return 0 end
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
local dropped = 0
for i = 4, #KEYS do
  local at = 3 + (i - 4) * 3
  if redis.call('ZCARD', KEYS[i]) < tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], ARGV[at + 1], ARGV[at + 2])
    redis.call('ZADD', KEYS[i], now, ARGV[at + 1])
    place(KEYS[i], KEYS[3], ARGV[at])
  else
    dropped = dropped + 1
  end
end
return dropped
