-- Reserves a kind of documents for one batch that is too big for one script.
-- KEYS  1 batch
-- ARGV  1 id of the batch  2 kind  3 how long without a sign of life, ms
-- Reply 1 reserved, 0 there is another batch
-- Invariant: one batch at a time. One that is not committed goes away with its writer.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'kind', ARGV[2], 'state', 'staging')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
