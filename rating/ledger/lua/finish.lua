-- Notes that an intent is done: applied on every account, or released on every account.
-- KEYS  1 intent  2 unfinished intents
-- ARGV  1 name of the intent  2 attempt  3 'done' or 'refused'  4 result  5 it is kept for ms
-- Reply {OK}
-- Invariant: a finished intent keeps its answer; finishing it twice changes nothing.
local i = redis.call('HMGET', KEYS[1], 'attempt', 'state')
if i[1] ~= ARGV[2] or i[2] ~= (ARGV[3] == 'done' and 'applying' or 'aborted') then return {'OK'} end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'result', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZREM', KEYS[2], ARGV[1])
return {'OK'}
