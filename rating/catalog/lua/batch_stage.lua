-- Puts documents of a batch where nobody sees them yet.
-- KEYS  1 batch  2 its documents
-- ARGV  1 id of the batch  2 how long without a sign of life, ms, then per document: id, value, step
-- Reply 1, 0 the reservation has lapsed
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
redis.call('RPUSH', KEYS[2], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
