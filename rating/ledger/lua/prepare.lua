-- Prepares accounts for a recharge, so that applying it cannot fail any more.
-- KEYS  1 prepared accounts of the attempt in this shard  2… accounts
-- ARGV  1 amount, negative for an adjustment  2… extensions
-- Reply {OK}  {UNKNOWN|RANGE|NOCREDIT, extension}  {RELEASED}: the attempt was aborted
-- Invariant: what an adjustment takes is set aside (out), what a recharge brings fits (pin), and the account stays open
-- (pend). Preparing twice changes nothing; preparing after the release is refused.
if redis.call('HEXISTS', KEYS[1], '!') == 1 then return {'RELEASED'} end
local amount = tonumber(ARGV[1])
local fresh = {}
for i = 2, #KEYS do
  local extension = ARGV[i]
  if redis.call('HEXISTS', KEYS[1], extension) == 0 then
    local a = redis.call('HMGET', KEYS[i], 'bal', 'cr', 'held', 'out', 'pin', 'rech', 'shut')
    if not a[1] or a[7] == '1' then return {'UNKNOWN', extension} end
    if amount > 0 then
      if math.max(tonumber(a[1]), tonumber(a[6])) + a[5] + amount > 9007199254740991 then return {'RANGE', extension} end
    elseif a[1] - a[3] - a[4] + amount < -a[2] then
      return {'NOCREDIT', extension}
    end
    fresh[#fresh + 1] = i
  end
end
for f = 1, #fresh do
  local i = fresh[f]
  redis.call('HINCRBY', KEYS[i], amount > 0 and 'pin' or 'out', math.abs(amount))
  redis.call('HINCRBY', KEYS[i], 'pend', 1)
  redis.call('HSET', KEYS[1], ARGV[i], '1')
end
return {'OK'}
