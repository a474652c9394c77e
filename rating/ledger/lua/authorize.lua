-- Lets a call in and holds its first charge.
-- KEYS  1 account  2 call  3 blob of the call  4 leases  5 nodes  6 spent on other days
-- ARGV  1 call  2 extension  3 node  4 initial cost  5 initial time  6 billing unit  7 price of a unit  8 first units
--       9 unbilled  10 concurrent calls  11 daily spend  12 day  13 oldest day kept  14 INVITE, unix µs
--       15 ring lease ms  16 talk lease ms  17 a node is alive for ms  18 burn seconds  19 days are kept for ms  20 blob
-- Reply {OK, units, held, available}  {REPEAT, units, held, available, tariff, unbilled, state}
--       {SETTLED} {ELSEWHERE} {CONFLICT} {UNKNOWN} {LOCKED} {LIMIT, 0, 0, available} {NOCREDIT, 0, 0, available}
-- Invariant: a billed call leaves balance + credit - held - out >= 0. A repeat changes no money.
local call, number = redis.call, tonumber
local a = call('HMGET', KEYS[1], 'bal', 'cr', 'held', 'out', 'burn', 'n', 'lock', 'shut', 'day', 'spent')
local held, own, credit = 0, 0, 0
if a[1] then
  held, credit = number(a[3]), number(a[2])
  own = a[1] - held - a[4]
end
local available = own + credit -- beyond 2^53 not exact, so charges are compared without it
local verdict, units, hold, need, spent = nil, 0, 0, 0, 0
local day, most = ARGV[12], number(ARGV[10])

if ARGV[9] == 'emergency' then -- passes whatever the account says
elseif not a[1] or a[8] == '1' then verdict = 'UNKNOWN'
elseif a[7] == '1' then verdict = 'LOCKED'
elseif most > 0 and number(a[6]) >= most then verdict = 'LIMIT'
elseif ARGV[9] == '' then
  local price, limit = number(ARGV[7]), number(ARGV[11])
  units = number(ARGV[8])
  hold = ARGV[4] + units * price
  if day == a[9] then spent = number(a[10]) else spent = number(call('HGET', KEYS[6], day) or 0) end
  if hold - own > credit or held + hold > 9007199254740991 then verdict = 'NOCREDIT'
  elseif limit > 0 and spent + hold > limit then verdict = 'LIMIT'
  elseif price > 0 then
    need = (math.floor(ARGV[18] / ARGV[6]) + 1) * price
    if a[5] + need > 9007199254740991 then need = 0 end
  end
end

local t = call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if verdict or not call('SET', KEYS[3], ARGV[20], 'NX') then -- a repeat is answered as the first time
  local c = call('HMGET', KEYS[2], 's', 'e', 'w', 't', 'k', 'h', 'x')
  if not c[1] then
    if call('EXISTS', KEYS[3]) == 1 then return {'SETTLED'} end
    if verdict == 'UNKNOWN' or verdict == 'LOCKED' then return {verdict} end
    return {verdict, 0, 0, available}
  end
  if c[2] ~= ARGV[2] then return {'CONFLICT'} end
  if c[3] ~= ARGV[3] then
    local seen = string.match(call('HGET', KEYS[5], c[3]) or '', '^(%d+)')
    if seen and now - seen < number(ARGV[17]) then return {'ELSEWHERE'} end
    call('HSET', KEYS[2], 'w', ARGV[3], 'v', ARGV[16])
    call('ZADD', KEYS[4], now + ARGV[c[1] == '1' and 16 or 15], ARGV[1])
  end
  return {'REPEAT', number(c[5]), number(c[6]), available, c[4], c[7], c[1]}
end

if hold > 0 then
  if a[9] ~= '' and day < a[9] then -- a day that is over for the account, not for this call
    call('HINCRBY', KEYS[6], day, hold)
    call('HSET', KEYS[1], 'held', held + hold, 'burn', a[5] + need, 'n', a[6] + 1)
  else
    call('HSET', KEYS[1], 'held', held + hold, 'burn', a[5] + need, 'n', a[6] + 1,
      'day', day, 'spent', spent + hold)
    if day ~= a[9] and a[9] ~= '' then -- the first call of a day puts the one before away, and tidies up
      local days = call('HKEYS', KEYS[6])
      for i = 1, #days do
        if days[i] < ARGV[13] or days[i] == day then call('HDEL', KEYS[6], days[i]) end
      end
      call('HSET', KEYS[6], a[9], a[10])
      call('PEXPIRE', KEYS[6], ARGV[19])
    end
  end
elseif a[1] then
  call('HSET', KEYS[1], 'n', a[6] + 1)
end
call('HSET', KEYS[2], 's', '0', 'e', ARGV[2], 'w', ARGV[3], 't', ARGV[4] .. ':' .. ARGV[5] .. ':' .. ARGV[6] .. ':' .. ARGV[7],
  'k', units, 'h', hold, 'b', need, 'x', ARGV[9], 'y', day, 'l', ARGV[11], 'z', ARGV[14], 'p', a[1] and '1' or '0')
call('ZADD', KEYS[4], now + ARGV[15], ARGV[1])
return {'OK', units, hold, own - hold + credit}
