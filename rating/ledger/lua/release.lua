-- Releases accounts that were prepared for a recharge which is aborted, and lets nobody prepare them for it again.
-- KEYS  1 prepared accounts of the attempt in this shard  2… accounts
-- ARGV  1 amount, negative for an adjustment  2… extensions
-- Reply {OK}
-- Invariant: no balance changes; releasing twice changes nothing.
local amount = tonumber(ARGV[1])
for i = 2, #KEYS do
  if redis.call('HGET', KEYS[1], ARGV[i]) == '1' then
    redis.call('HINCRBY', KEYS[i], amount > 0 and 'pin' or 'out', -math.abs(amount))
    redis.call('HINCRBY', KEYS[i], 'pend', -1)
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
redis.call('HSET', KEYS[1], '!', '')
return {'OK'}
