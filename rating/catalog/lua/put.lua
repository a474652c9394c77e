-- Writes a batch of documents: all of them, or none.
-- KEYS  1 head  2 change log  3 pending account steps  4… one hash per kind
-- ARGV  1 stamp of this write  2 plan version that it was checked against, '' = no matter  3 1: trunks, dial rules or
--       settings change  4 1: the snapshot changes  5 length of the change log  6 channel  7 most documents that the log
--       names one by one, then per kind: its name and how many documents it may hold, then per document:
--       kind 1…n, id, version that it must have (0 = there is none), value, step
--         value: '' removes, '=' leaves it, else "version json"    step: '' none, '*' this write finishes it, else it
-- Reply {OK version} {VERSION n} {PENDING id} {PLAN} {FULL kind}; n counts the documents of the batch from 0
-- Invariant: a document is written only over the version that the writer saw. While a step of a document is pending,
-- nobody else writes that document.
local kinds = #KEYS - 3
local first = 8 + 2 * kinds
local function held(value)
  if not value then return 0 end
  local digits = string.match(value, '^(%d+) ') or string.match(value, '^(%d+)$')
  return digits and #digits <= 15 and tonumber(digits) or -1
end

if ARGV[2] ~= '' and (redis.call('HGET', KEYS[1], 'plan') or '0') ~= ARGV[2] then return {'PLAN'} end
local added = {}
for i = first, #ARGV, 5 do
  local kind = tonumber(ARGV[i])
  local version = held(redis.call('HGET', KEYS[3 + kind], ARGV[i + 1]))
  if ARGV[i + 4] ~= '*' and kind == 1 and redis.call('HEXISTS', KEYS[3], ARGV[i + 1]) == 1 then return {'PENDING', ARGV[i + 1]} end
  if version ~= tonumber(ARGV[i + 2]) then return {'VERSION', (i - first) / 5} end
  if version == 0 then added[kind] = (added[kind] or 0) + 1 end
end
for kind, n in pairs(added) do
  if redis.call('HLEN', KEYS[3 + kind]) + n > tonumber(ARGV[7 + 2 * kind]) then return {'FULL', ARGV[6 + 2 * kind]} end
end

local touched, whole = {'stamp', ARGV[1]}, {}
for i = first, #ARGV, 5 do
  local kind, id, value, step = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 3], ARGV[i + 4]
  if value == '' then
    redis.call('HDEL', KEYS[3 + kind], id)
  elseif value ~= '=' then
    redis.call('HSET', KEYS[3 + kind], id, value)
  end
  if step ~= '' and step ~= '*' then redis.call('HSET', KEYS[3], id, step) end
  whole[ARGV[6 + 2 * kind]] = true
  if #touched < 2 * tonumber(ARGV[7]) then
    touched[#touched + 1] = ARGV[6 + 2 * kind]
    touched[#touched + 1] = id
  end
end
if ARGV[4] ~= '1' then return {'OK', tonumber(redis.call('HGET', KEYS[1], 'version') or 0)} end

if (#ARGV - first + 1) / 5 > tonumber(ARGV[7]) then
  touched = {'stamp', ARGV[1]}
  for name in pairs(whole) do
    touched[#touched + 1] = name
    touched[#touched + 1] = '*'
  end
end
local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
local id = string.format('%.0f-0', version)
redis.call('HSET', KEYS[1], 'stamp', ARGV[1])
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'plan', version) end
if redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], id, unpack(touched)).err then
  redis.call('DEL', KEYS[2]) -- a log that is ahead of the version is not ours: everybody reads everything once
  redis.call('XADD', KEYS[2], id, unpack(touched))
end
redis.call('PUBLISH', ARGV[6], version)
return {'OK', version}
