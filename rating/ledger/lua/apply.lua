-- Applies a decided recharge to prepared accounts: the balance changes and a journal line is filed, once each.
-- KEYS  1 prepared accounts of the attempt in this shard  2 outbox  3… accounts
-- ARGV  1 amount, negative for an adjustment  2… pairs of extension and journal line
-- Reply {OK, before 1, after 1, before 2, after 2, …}  {UNPREPARED, extension}
-- Invariant: balance = opening + Σ journal. Applying twice changes nothing and says the same.
local amount = tonumber(ARGV[1])
for i = 3, #KEYS do
  if redis.call('HEXISTS', KEYS[1], ARGV[2 * i - 4]) == 0 then return {'UNPREPARED', ARGV[2 * i - 4]} end
end
local reply = {'OK'}
for i = 3, #KEYS do
  local extension = ARGV[2 * i - 4]
  local before, after = string.match(redis.call('HGET', KEYS[1], extension), '^(-?%d+):(-?%d+)$')
  if not before then
    local a = redis.call('HMGET', KEYS[i], 'bal', 'seq', 'rech', 'out', 'pin', 'pend')
    before, after = a[1], string.format('%.0f', a[1] + amount)
    local seq = a[2] + 1
    redis.call('XADD', KEYS[2], '*', 'e', seq .. ':' .. before .. ':' .. after, 'm', ARGV[2 * i - 3])
    if amount > 0 then
      redis.call('HSET', KEYS[i], 'bal', after, 'seq', seq, 'rech', a[3] + amount,
        'pin', a[5] - amount, 'pend', a[6] - 1)
    else
      redis.call('HSET', KEYS[i], 'bal', after, 'seq', seq, 'out', a[4] + amount, 'pend', a[6] - 1)
    end
    redis.call('HSET', KEYS[1], extension, before .. ':' .. after)
  end
  reply[#reply + 1], reply[#reply + 2] = before, after
end
return reply
