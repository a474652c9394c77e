-- Note that a change begins, before it is made. KEYS: open (intents by id), due (ids by the time when they are overdue), of one hash tag.
-- ARGV: id, intent, ms until it is overdue, how many may be open. Returns 1; 0 where too many are open. Repeating it is harmless.
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return 0 end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) + ARGV[3]), ARGV[1])
return 1
