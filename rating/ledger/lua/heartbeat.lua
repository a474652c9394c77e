-- Notes that a node is alive: when it was last seen, and since when without a gap.
-- KEYS  1 nodes
-- ARGV  1 node  2 a gap is longer than ms  3 a node is forgotten after ms
-- Reply how long the node has been seen without a gap, ms
-- Invariant: a gap, such as a store that could not be reached, begins the count again.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local last, since = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%d+):(%d+)$')
if not last or now - last > tonumber(ARGV[2]) or now < tonumber(last) then
  since = now
  local all = redis.call('HGETALL', KEYS[1]) -- whoever comes tidies up
  for i = 1, #all, 2 do
    local seen = string.match(all[i + 1], '^(%d+)') or 0
    if now - seen > tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], all[i]) end
  end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f:%.0f', now, tonumber(since)))
return now - since
