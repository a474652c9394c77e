-- Lists running calls whose lease has lapsed.
-- KEYS  1 leases  2 nodes
-- ARGV  1 node that asks  2 it must have been here without a gap for ms  3 at most so many
-- Reply calls; none while the asking node is new here: after an outage of the store the owners come back first
-- Invariant: nothing changes.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local since = string.match(redis.call('HGET', KEYS[2], ARGV[1]) or '', ':(%d+)$')
if not since or now - since < tonumber(ARGV[2]) then return {} end
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])
