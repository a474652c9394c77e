-- Decides that a batch is written: from here on it is, whoever dies.
-- KEYS  1 batch  2 its documents  3 documents of the kind
-- ARGV  1 id of the batch  2 how many documents are new  3 how many the kind may hold
-- Reply {OK} {LAPSED} {FULL}
-- Invariant: what is committed is applied to the last document before anybody else writes the kind.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return {'LAPSED'} end
if redis.call('HLEN', KEYS[3]) + tonumber(ARGV[2]) > tonumber(ARGV[3]) then return {'FULL'} end
redis.call('HSET', KEYS[1], 'state', 'committed')
redis.call('PERSIST', KEYS[1])
redis.call('PERSIST', KEYS[2])
return {'OK'}
