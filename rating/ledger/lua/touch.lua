-- Renews the leases of talking calls: proof that their node looks after them.
-- KEYS  1 leases  2… calls
-- ARGV  1 node  2 lease ms  3… calls
-- Reply pairs of a call that is not this node's, and the node that has it now: '' where it is over
-- Invariant: no money changes; a lease is never shortened.
local t = redis.call('TIME')
local lease = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[2]
local gone = {}
for i = 2, #KEYS do
  local node = redis.call('HGET', KEYS[i], 'w')
  if node ~= ARGV[1] then
    gone[#gone + 1], gone[#gone + 2] = ARGV[i + 1], node or ''
  elseif tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i + 1]) or 0) < lease then
    redis.call('ZADD', KEYS[1], lease, ARGV[i + 1])
  end
end
return gone
