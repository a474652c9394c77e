-- End an intent and append what became of it, in one step. KEYS: open, due, stream, of one hash tag.
-- ARGV: id, how many records may wait, 'always' or 'open' (nothing happens unless the intent is still there), records.
-- Returns 1; 0 where nothing happened; -1 where the stream is full: the records are not taken, and 'open' leaves the intent.
local full = #ARGV > 3 and redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[2])
if full and ARGV[3] == 'open' then return -1 end
local there = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if there == 0 and ARGV[3] == 'open' then return 0 end
if full then return -1 end
for i = 4, #ARGV do redis.call('XADD', KEYS[3], '*', 'record', ARGV[i]) end
return 1
