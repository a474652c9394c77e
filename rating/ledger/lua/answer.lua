-- Stamps the answer of a call, keeps both its dialogs, and holds units ahead where the account is rich.
-- KEYS  1 account  2 call  3 blob of the call  4 result of the call  5 leases  6 spent per day
-- ARGV  1 call  2 extension  3 node  4 answer, unix µs  5 how long ago that is, ms  6 horizon s  7 lease ms  8 blob
-- Reply {OK, units, held, available}  {SETTLED} {NOCALL} {ELSEWHERE} {CONFLICT}
-- Invariant: units ahead are held only while every running call of the account can be paid for two horizons, so
-- balance + credit - held - out >= 0 stays. A repeat changes no money.
local c = redis.call('HMGET', KEYS[2], 's', 'e', 'w', 't', 'k', 'h', 'x', 'y', 'l', 'p')
if not c[1] then return {redis.call('EXISTS', KEYS[4]) == 1 and 'SETTLED' or 'NOCALL'} end
if c[2] ~= ARGV[2] then return {'CONFLICT'} end
if c[3] ~= ARGV[3] then return {'ELSEWHERE'} end
local units, hold = tonumber(c[5]), tonumber(c[6])
local a, available = nil, 0
if c[10] == '1' then
  a = redis.call('HMGET', KEYS[1], 'bal', 'cr', 'held', 'out', 'burn')
  available = a[1] - a[3] - a[4] + a[2]
end
if c[1] == '1' then return {'OK', units, hold, available} end

local ahead, price = 0, 0
if c[7] == '' then
  local _, initial, unit, per = string.match(c[4], '^(%d+):(%d+):(%d+):(%d+)$')
  unit, price = tonumber(unit), tonumber(per)
  if price > 0 then
    ahead = math.floor((ARGV[6] - initial) / unit) - units
    local funds, limit = available, tonumber(c[9])
    if limit > 0 then funds = math.min(funds, limit - tonumber(redis.call('HGET', KEYS[6], c[8]) or 0)) end
    if ahead < 0 or funds < tonumber(a[5]) or funds < ahead * price then ahead = 0 end
  end
end

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if ahead > 0 then
  local more = ahead * price
  redis.call('HINCRBY', KEYS[6], c[8], string.format('%.0f', more))
  redis.call('HSET', KEYS[1], 'held', string.format('%.0f', a[3] + more))
  units, hold, available = units + ahead, hold + more, available - more
end
redis.call('HSET', KEYS[2], 's', '1', 'k', units, 'h', string.format('%.0f', hold), 'a', ARGV[4], 'o', string.format('%.0f', now - ARGV[5]))
redis.call('SET', KEYS[3], ARGV[8])
redis.call('ZADD', KEYS[5], string.format('%.0f', now + ARGV[7]), ARGV[1])
return {'OK', units, hold, available}
