-- Puts a delivery back, to be tried again after a pause.
-- KEYS  1 deliveries  2 due  3 dead  4 URLs by when something is due
-- ARGV  1 URL  2 id  3 delivery  4 pause, ms
-- Reply 1; 0 it is there no more, because somebody else has made it
if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 0 then return 0 end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[2], string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[4]), ARGV[2])
place(KEYS[2], KEYS[4], ARGV[1])
return 1
