-- Writes the next documents of a committed batch; after the last one, the version that shows them all.
-- KEYS  1 batch  2 its documents  3 head  4 change log  5 pending account steps  6 documents of the kind
-- ARGV  1 id of the batch  2 stamp of the version  3 length of the change log  4 channel  5 documents at once
-- Reply 1 there is more, 0 all is written
-- Invariant: a document is taken from the batch and written in the same step, so any number of nodes may do this.
local batch = redis.call('HMGET', KEYS[1], 'id', 'kind', 'state')
if batch[1] ~= ARGV[1] or batch[3] ~= 'committed' then return 0 end
local list, set, steps = redis.call('LRANGE', KEYS[2], 0, 3 * tonumber(ARGV[5]) - 1), {}, {}
for i = 1, #list, 3 do
  set[#set + 1], set[#set + 2] = list[i], list[i + 1]
  if list[i + 2] ~= '' then steps[#steps + 1], steps[#steps + 2] = list[i], list[i + 2] end
end
if #set > 0 then redis.call('HSET', KEYS[6], unpack(set)) end
if #steps > 0 then redis.call('HSET', KEYS[5], unpack(steps)) end
redis.call('LTRIM', KEYS[2], #list, -1)
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end

redis.call('DEL', KEYS[1])
local now = redis.call('HINCRBY', KEYS[3], 'version', 1)
local entry = string.format('%.0f-0', now)
redis.call('HSET', KEYS[3], 'stamp', ARGV[2])
if redis.pcall('XADD', KEYS[4], 'MAXLEN', '~', ARGV[3], entry, 'stamp', ARGV[2], batch[2], '*').err then
  redis.call('DEL', KEYS[4]) -- a log that is ahead of the version is not ours: everybody reads everything once
  redis.call('XADD', KEYS[4], entry, 'stamp', ARGV[2], batch[2], '*')
end
redis.call('PUBLISH', ARGV[4], now)
return 0
