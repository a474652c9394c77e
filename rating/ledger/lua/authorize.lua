-- Lets a call in and holds its first charge.
-- KEYS  1 account  2 call  3 blob of the call  4 result of the call  5 leases  6 nodes  7 spent per day
-- ARGV  1 call  2 extension  3 node  4 initial cost  5 initial time  6 billing unit  7 price of a unit  8 first units
--       9 unbilled  10 concurrent calls  11 daily spend  12 day  13 oldest day kept  14 INVITE, unix µs
--       15 ring lease ms  16 talk lease ms  17 a node is alive for ms  18 burn seconds  19 days are kept for ms  20 blob
-- Reply {OK, units, held, available}  {REPEAT, units, held, available, tariff, unbilled, state}
--       {SETTLED} {ELSEWHERE} {CONFLICT} {UNKNOWN} {LOCKED} {LIMIT, 0, 0, available} {NOCREDIT, 0, 0, available}
-- Invariant: a billed call leaves balance + credit - held - out >= 0. A repeat changes no money.
local max = 9007199254740991
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local a = redis.call('HMGET', KEYS[1], 'bal', 'cr', 'held', 'out', 'burn', 'n', 'lock', 'shut')
local bal, held, available = 0, 0, 0
if a[1] then
  bal, held = tonumber(a[1]), tonumber(a[3])
  available = bal - held - tonumber(a[4]) + tonumber(a[2])
end

local c = redis.call('HMGET', KEYS[2], 's', 'e', 'w', 't', 'k', 'h', 'x')
if c[1] then
  if c[2] ~= ARGV[2] then return {'CONFLICT'} end
  if c[3] ~= ARGV[3] then
    local seen = string.match(redis.call('HGET', KEYS[6], c[3]) or '', '^(%d+)')
    if seen and now - tonumber(seen) < tonumber(ARGV[17]) then return {'ELSEWHERE'} end
    redis.call('HSET', KEYS[2], 'w', ARGV[3])
    redis.call('ZADD', KEYS[5], string.format('%.0f', now + ARGV[c[1] == '1' and 16 or 15]), ARGV[1])
  end
  return {'REPEAT', tonumber(c[5]), tonumber(c[6]), available, c[4], c[7], c[1]}
end
if redis.call('EXISTS', KEYS[4]) == 1 then return {'SETTLED'} end

local n = tonumber(a[6] or 0)
if ARGV[9] ~= 'emergency' then
  if not a[1] or a[8] == '1' then return {'UNKNOWN'} end
  if a[7] == '1' then return {'LOCKED'} end
  local most = tonumber(ARGV[10])
  if most > 0 and n >= most then return {'LIMIT', 0, 0, available} end
end

local units, hold, need = 0, 0, 0
if ARGV[9] == '' then
  local unit, price, limit = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[11])
  units = tonumber(ARGV[8])
  hold = tonumber(ARGV[4]) + units * price
  if hold > available or held + hold > max then return {'NOCREDIT', 0, 0, available} end
  if limit > 0 and tonumber(redis.call('HGET', KEYS[7], ARGV[12]) or 0) + hold > limit then
    return {'LIMIT', 0, 0, available}
  end
  if price > 0 then need = (math.floor(ARGV[18] / unit) + 1) * price end
  if tonumber(a[5]) + need > max then need = 0 end
end

if hold > 0 and redis.call('HINCRBY', KEYS[7], ARGV[12], string.format('%.0f', hold)) == hold then
  local days = redis.call('HKEYS', KEYS[7]) -- the first of a day tidies up
  for i = 1, #days do
    if days[i] < ARGV[13] then redis.call('HDEL', KEYS[7], days[i]) end
  end
  redis.call('PEXPIRE', KEYS[7], ARGV[19])
end
if a[1] then
  if hold > 0 then
    redis.call('HSET', KEYS[1], 'held', string.format('%.0f', held + hold), 'burn', string.format('%.0f', a[5] + need), 'n', n + 1)
  else
    redis.call('HSET', KEYS[1], 'n', n + 1)
  end
end
redis.call('HSET', KEYS[2], 's', '0', 'e', ARGV[2], 'w', ARGV[3],
  't', ARGV[4] .. ':' .. ARGV[5] .. ':' .. ARGV[6] .. ':' .. ARGV[7], 'k', units, 'h', string.format('%.0f', hold),
  'b', string.format('%.0f', need), 'x', ARGV[9], 'y', ARGV[12], 'l', ARGV[11], 'z', ARGV[14], 'p', a[1] and '1' or '0')
redis.call('SET', KEYS[3], ARGV[20])
redis.call('ZADD', KEYS[5], string.format('%.0f', now + ARGV[15]), ARGV[1])
return {'OK', units, hold, available - hold}
