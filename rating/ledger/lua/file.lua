-- Files the CDR of a call that the ledger never let in. No account changes.
-- KEYS  1 call  2 result of the call  3 outbox
-- ARGV  1 CDR  2 results are kept for ms  3 its numbers
-- Reply {OK}  {CONFLICT}: the call runs, so it must be settled
-- Invariant: one record per call id, however often it is filed.
if redis.call('EXISTS', KEYS[1]) == 1 then return {'CONFLICT'} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {'OK'} end
redis.call('XADD', KEYS[3], '*', 'c', '0:0:0:' .. ARGV[3], 'm', ARGV[1])
redis.call('SET', KEYS[2], '=' .. ARGV[3] .. ':0', 'PX', ARGV[2])
return {'OK'}
