-- Strikes out account steps that are done.
-- KEYS  1 pending account steps
-- ARGV  per step: extension, the step as it was read
-- Reply how many were struck out
-- Invariant: a step that somebody has struck out already, or that is a later one, stays as it is.
local n = 0
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then n = n + redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return n
