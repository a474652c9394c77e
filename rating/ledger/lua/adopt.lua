-- Gives a running call to another node, where its own is gone.
-- KEYS  1 call  2 blob of the call  3 leases  4 nodes
-- ARGV  1 call  2 new node  3 a node is alive for ms  4 talk lease ms
-- Reply {OK} {SETTLED} {NOCALL} {ELSEWHERE}
-- Invariant: no money changes; of several nodes one gets the call. A ringing call keeps the lease that it has.
local c = redis.call('HMGET', KEYS[1], 'w', 's')
if not c[1] then return {redis.call('EXISTS', KEYS[2]) == 1 and 'SETTLED' or 'NOCALL'} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if c[1] ~= ARGV[2] then
  local seen = string.match(redis.call('HGET', KEYS[4], c[1]) or '', '^(%d+)')
  if seen and now - seen < tonumber(ARGV[3]) then return {'ELSEWHERE'} end
  redis.call('HSET', KEYS[1], 'w', ARGV[2], 'v', ARGV[4])
end
if c[2] == '1' then redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1]) end
return {'OK'}
