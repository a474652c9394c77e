-- Writes documents of one kind: all of them, or none.
-- KEYS  1 head  2 change log  3 pending account steps  4 documents of the kind  5 batch
-- ARGV  1 stamp of this write  2 plan version that it was checked against, '' = no matter  3 1: the plan (trunks, dial
--       rules, settings) changes  4 1: the snapshot changes  5 length of the change log  6 channel  7 name of the kind
--       8 how many documents it may hold  9 most documents that the log names one by one, then per document:
--       id, version that it must have (0 = there is none), value, step
--         value: '' removes, '=' leaves it, else "version json"    step: '' none, '*' this write finishes it, else it
-- Reply {OK} {VERSION} {PENDING id} {PLAN} {FULL} {BATCH}
-- Invariant: a document is written only over the version that the writer saw. While a step of an extension is pending,
-- nobody else writes its document; while a large batch of a kind is written, nobody else writes that kind.
local first, width, portion = 10, 4, 400 -- a hundred documents to a command: commands cost more than documents
local function version(value)
  if not value then return 0 end
  local digits = string.match(value, '^(%d+) ') or string.match(value, '^(%d+)$')
  return digits and #digits <= 15 and tonumber(digits) or -1
end
local function flush(command, key, list) if #list > 0 then redis.call(command, key, unpack(list)) end end

if redis.call('HGET', KEYS[1], 'stamp') == ARGV[1] then return {'OK'} end -- this very write, sent again
if redis.call('HGET', KEYS[5], 'kind') == ARGV[7] and ARGV[first + 3] ~= '*' then return {'BATCH'} end
if ARGV[2] ~= '' and (redis.call('HGET', KEYS[1], 'plan') or '0') ~= ARGV[2] then return {'PLAN'} end
local pending, added = ARGV[7] == 'extensions' and redis.call('HLEN', KEYS[3]) > 0, 0
for from = first, #ARGV, portion do
  local ids = {}
  for i = from, math.min(from + portion, #ARGV + 1) - 1, width do ids[#ids + 1] = ARGV[i] end
  local steps = pending and redis.call('HMGET', KEYS[3], unpack(ids))
  for n, value in ipairs(redis.call('HMGET', KEYS[4], unpack(ids))) do
    local i, held = from + width * (n - 1), version(value)
    if steps and steps[n] and ARGV[i + 3] ~= '*' then return {'PENDING', ids[n]} end
    if held ~= tonumber(ARGV[i + 1]) then return {'VERSION'} end
    if held == 0 then added = added + 1 end
  end
end
if added > 0 and redis.call('HLEN', KEYS[4]) + added > tonumber(ARGV[8]) then return {'FULL'} end

for from = first, #ARGV, portion do
  local set, gone, steps = {}, {}, {}
  for i = from, math.min(from + portion, #ARGV + 1) - 1, width do
    local id, value, step = ARGV[i], ARGV[i + 2], ARGV[i + 3]
    if value == '' then
      gone[#gone + 1] = id
    elseif value ~= '=' then
      set[#set + 1], set[#set + 2] = id, value
    end
    if step ~= '' and step ~= '*' then steps[#steps + 1], steps[#steps + 2] = id, step end
  end
  flush('HSET', KEYS[4], set)
  flush('HDEL', KEYS[4], gone)
  flush('HSET', KEYS[3], steps)
end
if ARGV[4] ~= '1' then return {'OK'} end

local touched = {'stamp', ARGV[1]}
if (#ARGV + 1 - first) / width > tonumber(ARGV[9]) then
  touched[3], touched[4] = ARGV[7], '*'
else
  for i = first, #ARGV, width do touched[#touched + 1], touched[#touched + 2] = ARGV[7], ARGV[i] end
end
local now = redis.call('HINCRBY', KEYS[1], 'version', 1)
local entry = string.format('%.0f-0', now)
redis.call('HSET', KEYS[1], 'stamp', ARGV[1])
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'plan', now) end
if redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], entry, unpack(touched)).err then
  redis.call('DEL', KEYS[2]) -- a log that is ahead of the version is not ours: everybody reads everything once
  redis.call('XADD', KEYS[2], entry, unpack(touched))
end
redis.call('PUBLISH', ARGV[6], now)
return {'OK'}
