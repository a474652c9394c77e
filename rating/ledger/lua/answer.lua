-- Stamps the answer of a call, keeps both its dialogs, and holds units ahead where the account is rich.
-- KEYS  1 account  2 call  3 blob of the call  4 leases  5 spent on other days
-- ARGV  1 call  2 extension  3 node  4 answer, unix µs  5 how long ago that is, ms  6 horizon s  7 lease ms  8 blob
-- Reply {OK, units, held, available}  {SETTLED} {NOCALL} {ELSEWHERE} {CONFLICT}
-- Invariant: units ahead are held only while every running call of the account can be paid for two horizons, so
-- balance + credit - held - out >= 0 stays. A repeat changes no money.
local call, number = redis.call, tonumber
local c = call('HMGET', KEYS[2], 's', 'e', 'w', 't', 'k', 'h', 'x', 'y', 'l', 'p')
if not c[1] then return {call('EXISTS', KEYS[3]) == 1 and 'SETTLED' or 'NOCALL'} end
if c[2] ~= ARGV[2] then return {'CONFLICT'} end
if c[3] ~= ARGV[3] then return {'ELSEWHERE'} end
local units, hold = number(c[5]), number(c[6])
local a, own, available = nil, 0, 0
if c[10] == '1' then
  a = call('HMGET', KEYS[1], 'bal', 'cr', 'held', 'out', 'burn', 'day', 'spent')
  own = a[1] - a[3] - a[4]
  available = own + a[2] -- beyond 2^53 not exact, so charges are compared without it
end
if c[1] == '1' then return {'OK', units, hold, available} end

local ahead, more = 0, 0
if c[7] == '' then
  local initial, unit, price = string.match(c[4], '^%d+:(%d+):(%d+):(%d+)$')
  price = number(price)
  if price > 0 then ahead = math.floor((ARGV[6] - initial) / unit) - units end
  if ahead > 0 then
    more = ahead * price
    local funds, limit = available, number(c[9])
    if limit > 0 then
      funds = math.min(funds, limit - (c[8] == a[6] and a[7] or call('HGET', KEYS[5], c[8]) or 0))
    end
    if funds < number(a[5]) or funds < more or more - own > number(a[2]) or a[3] + more > 9007199254740991 then
      ahead, more = 0, 0
    end
  end
end

local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if more > 0 then
  if c[8] == a[6] then
    call('HSET', KEYS[1], 'held', a[3] + more, 'spent', a[7] + more)
  else
    call('HINCRBY', KEYS[5], c[8], more)
    call('HSET', KEYS[1], 'held', a[3] + more)
  end
  units, hold, available = units + ahead, hold + more, own - more + a[2]
  call('HSET', KEYS[2], 's', '1', 'a', ARGV[4], 'o', now - ARGV[5], 'v', ARGV[7], 'k', units, 'h', hold)
else
  call('HSET', KEYS[2], 's', '1', 'a', ARGV[4], 'o', now - ARGV[5], 'v', ARGV[7])
end
call('SET', KEYS[3], ARGV[8])
call('ZADD', KEYS[4], now + ARGV[7], ARGV[1])
return {'OK', units, hold, available}
