-- Decides whether a prepared intent is applied or aborted: the first word counts.
-- KEYS  1 intent
-- ARGV  1 attempt  2 'applying' or 'aborted'  3 why it is aborted
-- Reply {state, why}  {GONE}: another attempt has begun
-- Invariant: an intent is never both applied and aborted.
local i = redis.call('HMGET', KEYS[1], 'attempt', 'state', 'result')
if i[1] ~= ARGV[1] then return {'GONE', ''} end
if i[2] ~= 'preparing' then return {i[2], i[3] or ''} end
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'result', ARGV[3])
return {ARGV[2], ARGV[3]}
