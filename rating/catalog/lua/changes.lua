-- Reads what has changed since a version.
-- KEYS  1 head  2 change log  3 pending account steps  4 batch  5… one hash per kind of the snapshot
-- ARGV  1 version held  2 its stamp  3 most documents to read  4 1: everything of that version has been read, then the
--       names of the kinds
-- Reply {SAME|RELOAD|CHANGED|BATCH, version, stamp, plan version, work left undone, then per document: kind, id, value}
--       BATCH: documents are being written that no version shows yet; they must all be there before anything is read
--       value: '' = there is none; id '*': too many of this kind have changed to name them
-- Invariant: reads only, and all of one moment. The log counts only where its entry of the version held has the same
-- stamp: else the store has gone back in time, or is another one.
local head = redis.call('HMGET', KEYS[1], 'version', 'stamp', 'plan')
local out = {'SAME', head[1] or '0', head[2] or '', head[3] or '0', redis.call('HLEN', KEYS[3])}
local batch = redis.call('HGET', KEYS[4], 'state') == 'committed'
if batch then out[5] = out[5] + 1 end
if out[2] == ARGV[1] and out[3] == ARGV[2] and ARGV[4] == '1' then return out end
if batch then
  out[1] = 'BATCH'
  return out
end

local held = ARGV[1] .. '-0'
local log = redis.call('XRANGE', KEYS[2], held, '+')
if out[2] == ARGV[1] and out[3] == ARGV[2] then return out end
out[1] = 'RELOAD'
if not log[1] or log[1][1] ~= held or log[1][2][2] ~= ARGV[2] then return out end
out[1] = 'CHANGED'

local key, whole, seen, order = {}, {}, {}, {}
for i = 5, #ARGV do key[ARGV[i]] = KEYS[i] end
for i = 2, #log do
  local fields = log[i][2]
  for f = 3, #fields, 2 do
    local kind, id = fields[f], fields[f + 1]
    local name = kind .. ' ' .. id
    if id == '*' then whole[kind] = true end
    if key[kind] and not seen[name] then
      seen[name] = true
      order[#order + 1] = {kind, id}
    end
  end
end
if #order > tonumber(ARGV[3]) then
  for _, o in ipairs(order) do whole[o[1]] = true end
end
for kind in pairs(whole) do
  if key[kind] then
    out[#out + 1] = kind
    out[#out + 1] = '*'
    out[#out + 1] = ''
  end
end
for _, o in ipairs(order) do
  if not whole[o[1]] then
    out[#out + 1] = o[1]
    out[#out + 1] = o[2]
    out[#out + 1] = redis.call('HGET', key[o[1]], o[2]) or ''
  end
end
return out
