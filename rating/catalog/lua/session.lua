-- Stores a session.
-- KEYS  1 sessions  2 their last requests
-- ARGV  1 hash  2 session  3 last request, ms  4 1: a log-in, 0: it must be there still  5 most sessions
-- Reply 1 stored, 0 it is there no more
-- Invariant: a request that is under way does not bring back a session that was ended meanwhile. Where there are too
-- many, those go that were not seen for longest.
if ARGV[4] == '0' and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
local surplus = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[5])
if surplus > 0 then
  for _, hash in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do
    redis.call('HDEL', KEYS[1], hash)
    redis.call('ZREM', KEYS[2], hash)
  end
end
return 1
