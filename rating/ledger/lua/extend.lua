-- Buys the next units of a running call and renews its lease: many where the account is rich, else exactly one.
-- KEYS  1 account  2 call  3 blob of the call  4 leases  5 spent on other days
-- ARGV  1 call  2 extension  3 node  4 units the caller knows of  5 horizon s  6 lease ms
-- Reply {OK|NOCREDIT|LIMIT, units, held, available}  {SETTLED} {NOCALL} {ELSEWHERE} {CONFLICT}
-- Invariant: balance + credit - held - out >= 0 stays; a repeat (units beyond ARGV 4) buys nothing.
local call, number = redis.call, tonumber
local c = call('HMGET', KEYS[2], 's', 'e', 'w', 't', 'k', 'h', 'x', 'y', 'l', 'p', 'o')
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
local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local verdict, count, price = 'OK', 0, 0
if c[7] == '' and units <= number(ARGV[4]) then
  local initial, unit, per = string.match(c[4], '^%d+:(%d+):(%d+):(%d+)$')
  price = number(per)
  local funds, limit = available, number(c[9])
  if limit > 0 then
    funds = math.min(funds, limit - (c[8] == a[6] and a[7] or call('HGET', KEYS[5], c[8]) or 0))
  end
  if price == 0 then count = 0 -- talking on costs nothing
  elseif price - own > number(a[2]) or a[3] + price > 9007199254740991 then verdict = 'NOCREDIT'
  elseif price > funds then verdict = 'LIMIT'
  else
    count = 1
    local most = math.floor(ARGV[5] / unit) -- what the horizon lets anybody hold at once
    if c[11] and most > 1 and funds >= price + a[5] and funds >= most * price then
      local ahead = math.floor(((now - c[11]) / 1000 + ARGV[5] - initial) / unit) - units
      count = math.max(1, math.min(ahead, most))
      if count * price - own > number(a[2]) or a[3] + count * price > 9007199254740991 then count = 1 end
    end
  end
end

if count > 0 then
  local more = count * price
  if c[8] == a[6] then
    call('HSET', KEYS[1], 'held', a[3] + more, 'spent', a[7] + more)
  else
    call('HINCRBY', KEYS[5], c[8], more)
    call('HSET', KEYS[1], 'held', a[3] + more)
  end
  units, hold, available = units + count, hold + more, own - more + a[2]
  call('HSET', KEYS[2], 'k', units, 'h', hold)
end
call('ZADD', KEYS[4], now + ARGV[6], ARGV[1])
return {verdict, units, hold, available}
