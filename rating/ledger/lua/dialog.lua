-- Exchanges the dialogs that a running call keeps, after a target refresh (RFC 3261 §12.2).
-- KEYS  1 call  2 blob of the call
-- ARGV  1 node  2 dialog
-- Reply {OK} {SETTLED} {NOCALL} {ELSEWHERE}
-- Invariant: no money changes; the draft of the CDR, which stands before the dialog, stays.
local node = redis.call('HGET', KEYS[1], 'w')
if not node then return {redis.call('EXISTS', KEYS[2]) == 1 and 'SETTLED' or 'NOCALL'} end
if node ~= ARGV[1] then return {'ELSEWHERE'} end
local blob = redis.call('GET', KEYS[2]) or '0:'
local length = tonumber(string.match(blob, '^(%d+):') or 0)
local draft = string.sub(blob, string.find(blob, ':', 1, true) + 1, string.find(blob, ':', 1, true) + length)
redis.call('SET', KEYS[2], length .. ':' .. draft .. ARGV[2])
return {'OK'}
