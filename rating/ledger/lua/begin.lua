-- Stores the intent of a recharge under its idempotency key.
-- KEYS  1 intent  2 unfinished intents
-- ARGV  1 name of the intent  2 digest of the body  3 this attempt  4 body
-- Reply {state, attempt, body, result}  {REUSED}
-- Invariant: a key means one body; an intent that was refused moved no money and may be tried again.
local i = redis.call('HMGET', KEYS[1], 'digest', 'attempt', 'state', 'body', 'result')
if i[3] and i[3] ~= 'refused' then
  if i[1] ~= ARGV[2] then return {'REUSED'} end
  return {i[3], i[2], i[4], i[5] or ''}
end
local t = redis.call('TIME')
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'digest', ARGV[2], 'attempt', ARGV[3], 'state', 'preparing', 'body', ARGV[4])
redis.call('ZADD', KEYS[2], t[1], ARGV[1])
return {'preparing', ARGV[3], ARGV[4], ''}
