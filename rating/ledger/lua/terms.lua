-- Applies an operator's terms to an account; opens the account where there is none, and again where it was closed.
-- KEYS  1 account  2 outbox  3 all accounts
-- ARGV  1 extension  2 billing enabled 0|1  3 payment type  4 locked 0|1  5 credit  6 version  7 user name
--       8 payment_type line of the journal
-- Reply {OK}  {STALE}: a newer version is applied already
-- Invariant: the balance stays. Another payment type sets total_recharges to 0 and leaves a line of amount 0.
local a = redis.call('HMGET', KEYS[1], 'bal', 'pay', 'tv', 'shut', 'seq')
local version = tonumber(ARGV[6])
if a[1] and version <= tonumber(a[3]) then return {'STALE'} end
local changed = a[1] and a[4] ~= '1' and a[2] ~= ARGV[3]
if changed then
  local seq = a[5] + 1
  redis.call('XADD', KEYS[2], '*', 'e', seq .. ':' .. a[1] .. ':' .. a[1], 'm', ARGV[8])
  redis.call('HSET', KEYS[1], 'seq', seq, 'rech', '0')
end
if not a[1] then
  redis.call('SADD', KEYS[3], ARGV[1])
  redis.call('HSET', KEYS[1], 'bal', '0', 'held', '0', 'out', '0', 'burn', '0', 'n', '0', 'seq', '0', 'rech', '0', 'pin', '0', 'pend', '0',
    'day', '', 'spent', '0')
end
redis.call('HSET', KEYS[1], 'bill', ARGV[2], 'pay', ARGV[3], 'lock', ARGV[4], 'cr', ARGV[5], 'tv', ARGV[6], 'name', ARGV[7], 'shut', '0')
return {'OK'}
