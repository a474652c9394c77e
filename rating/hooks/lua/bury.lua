-- Makes a dead letter of a delivery. Where there are too many, the oldest go.
-- KEYS  1 deliveries  2 due  3 dead  4 URLs by when something is due
-- ARGV  1 URL  2 id  3 delivery  4 most dead letters
-- Reply 1; 0 it is there no more
if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 0 then return 0 end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[2])
place(KEYS[2], KEYS[4], ARGV[1])
redis.call('ZADD', KEYS[3], string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), ARGV[2])
local surplus = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[4])
if surplus > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, surplus - 1)) do
    redis.call('ZREM', KEYS[3], id)
    redis.call('HDEL', KEYS[1], id)
  end
end
return 1
