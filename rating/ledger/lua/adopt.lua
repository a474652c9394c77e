-- Gives a running call to another node: where its own is gone, or back to the node that it was taken from.
-- KEYS  1 call  2 blob of the call  3 leases  4 nodes
-- ARGV  1 call  2 new node  3 a node is alive for ms  4 talk lease ms
--       5 the new node must have been here without a gap for ms  6 'claim': the call's messages arrive at the new node
-- Reply {OK, 1 where it had another node, else 0} {SETTLED} {NOCALL} {ELSEWHERE, ms since its node was last seen}
-- Invariant: no money changes; of several nodes one has the call, and every script refuses the others. A ringing call
-- keeps the lease that it has.
local c = redis.call('HMGET', KEYS[1], 'w', 's', 'f')
if not c[1] then return {redis.call('EXISTS', KEYS[2]) == 1 and 'SETTLED' or 'NOCALL'} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if c[1] ~= ARGV[2] then
  local seen = string.match(redis.call('HGET', KEYS[4], c[1]) or '', '^(%d+)')
  local mine = ARGV[6] == 'claim' and c[3] == ARGV[2]
  if not mine then
    local since = string.match(redis.call('HGET', KEYS[4], ARGV[2]) or '', ':(%d+)$')
    local silent = seen and now - seen or 9007199254740991
    if silent < tonumber(ARGV[3]) or now - (since or now) < tonumber(ARGV[5]) then return {'ELSEWHERE', silent} end
  end
  redis.call('HSET', KEYS[1], 'w', ARGV[2], 'v', ARGV[4], 'f', c[1]) -- f: where it came from, and where its messages may still go
end
if c[2] == '1' then redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1]) end
return {'OK', c[1] ~= ARGV[2] and 1 or 0}
