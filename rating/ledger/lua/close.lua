-- Closes an account whose extension is deleted: a last line takes the balance to 0.
-- KEYS  1 account  2 outbox  3 spent on other days
-- ARGV  1 closing line of the journal  2 version of the extension that is deleted
-- Reply {OK} {STALE}: the number is in use again, by a newer version  {UNKNOWN} {ACTIVE}: calls are up, or a recharge is
--       being applied
-- Invariant: nothing is held on a closed account; its line numbers go on when it is opened again. A closing that comes
-- late ends no other life of the number.
local a = redis.call('HMGET', KEYS[1], 'bal', 'n', 'seq', 'pend', 'shut', 'tv')
if not a[1] then return {'UNKNOWN'} end
if a[5] == '1' then return {'OK'} end
if tonumber(a[6] or 0) > tonumber(ARGV[2]) then return {'STALE'} end
if tonumber(a[2]) > 0 or tonumber(a[4]) > 0 then return {'ACTIVE'} end
local seq = a[3] + 1
redis.call('XADD', KEYS[2], '*', 'e', seq .. ':' .. a[1] .. ':0', 'm', ARGV[1])
redis.call('HSET', KEYS[1], 'bal', '0', 'cr', '0', 'rech', '0', 'seq', seq, 'shut', '1', 'day', '', 'spent', '0')
redis.call('DEL', KEYS[3])
return {'OK'}
