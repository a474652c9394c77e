-- Opens an account with the balance that an import brought along.
-- KEYS  1 account  2 outbox  3 all accounts
-- ARGV  1 extension  2 billing enabled 0|1  3 payment type  4 locked 0|1  5 credit  6 version  7 user name
--       8 opening line of the journal  9 opening balance  10 reference of the import
-- Reply {OK} {EXISTS} {NOCREDIT}
-- Invariant: the first line of an account's life is its opening. The same reference again changes nothing.
local a = redis.call('HMGET', KEYS[1], 'bal', 'shut', 'seq', 'ref', 'held')
if a[1] and a[2] ~= '1' then return {a[4] == ARGV[10] and 'OK' or 'EXISTS'} end
if ARGV[9] + ARGV[5] - (a[5] or 0) < 0 then return {'NOCREDIT'} end
local seq = (a[3] or 0) + 1
redis.call('XADD', KEYS[2], '*', 'e', seq .. ':0:' .. ARGV[9], 'm', ARGV[8])
if not a[1] then
  redis.call('SADD', KEYS[3], ARGV[1])
  redis.call('HSET', KEYS[1], 'held', '0', 'out', '0', 'burn', '0', 'n', '0', 'rech', '0', 'pin', '0', 'pend', '0', 'day', '', 'spent', '0')
end
redis.call('HSET', KEYS[1], 'bal', ARGV[9], 'seq', seq, 'bill', ARGV[2], 'pay', ARGV[3], 'lock', ARGV[4], 'cr', ARGV[5],
  'tv', ARGV[6], 'name', ARGV[7], 'shut', '0', 'ref', ARGV[10])
return {'OK'}
