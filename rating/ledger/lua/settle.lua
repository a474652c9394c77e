-- Ends a call: one debit, the rest of the hold is free again, one record with journal line and CDR. Once.
-- KEYS  1 account  2 call  3 blob of the call, afterwards its result  4 leases  5 spent on other days  6 outbox  7 nodes
-- ARGV  1 call  2 extension  3 billed seconds, 0 = not answered  4 results are kept for ms  5 CDR
--       6 'sweep': only if the lease has lapsed, and the seconds are those to the last proof of life; 'bye': a leg of the
--       answered call has said that it ended; '': the node has decided so
--       7 node
-- Reply {OK, seconds, units, cost, balance}  {DONE, result}  {NOCALL} {CONFLICT} {LEASED} {ELSEWHERE}
-- Invariant: cost <= held by the call: talk beyond what was granted is not billed. balance = opening + Σ journal, and
-- the numbers of an account's lines have no gap. A repeat changes nothing and says the same. What a node decides counts
-- only while the call is its own; the BYE of a leg counts wherever it arrived.
local call, number, format = redis.call, tonumber, string.format
local c = call('HMGET', KEYS[2], 's', 'e', 't', 'k', 'h', 'b', 'x', 'y', 'p', 'o', 'w')
if not c[1] then
  local result = call('GET', KEYS[3])
  if result then return {'DONE', result} end
  return {'NOCALL'}
end
if c[2] ~= ARGV[2] then return {'CONFLICT'} end
if ARGV[6] ~= 'sweep' and c[11] ~= ARGV[7] and (ARGV[6] ~= 'bye' or c[1] ~= '1') then return {'ELSEWHERE'} end
local seconds = number(ARGV[3])
if ARGV[6] == 'sweep' then
  local t = call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  local lease = number(call('ZSCORE', KEYS[4], ARGV[1]) or 0)
  if lease > now then return {'LEASED'} end
  seconds = 0
  if c[1] == '1' then
    local seen = string.match(call('HGET', KEYS[7], c[11]) or '', '^(%d+)') or 0
    local alive = math.min(now, math.max(lease - call('HGET', KEYS[2], 'v'), number(seen)))
    seconds = math.max(1, math.ceil((alive - c[10]) / 1000))
  end
end

local units, cost, hold = 0, 0, number(c[5])
if seconds > 0 and c[7] == '' then
  local first, initial, unit, price = string.match(c[3], '^(%d+):(%d+):(%d+):(%d+)$')
  initial, unit, price = number(initial), number(unit), number(price)
  if seconds > initial and unit > 0 then units = math.floor((seconds - initial - 1) / unit) + 1 end
  if price > 0 and units > number(c[4]) then
    units = number(c[4])
    seconds = initial + units * unit
  end
  cost = first + units * price
end

local seq, before, after = 0, 0, 0
local a = c[9] == '1' and call('HMGET', KEYS[1], 'bal', 'held', 'burn', 'n', 'seq', 'day', 'spent')
if a then
  before, seq = number(a[1]), a[5] + 1
  after = before - cost
end
call('XADD', KEYS[6], '*', 'c', format('%.0f:%.0f:%.0f:%.0f:%.0f:%.0f', seq, before, after, seconds, units, cost), 'm', ARGV[5])
if a then
  local spent = number(a[7])
  if c[8] == a[6] then
    spent = spent - hold + cost
  elseif hold > cost and call('HINCRBY', KEYS[5], c[8], cost - hold) <= 0 then
    call('HDEL', KEYS[5], c[8])
  end
  call('HSET', KEYS[1], 'bal', after, 'held', a[2] - hold, 'burn', a[3] - c[6],
    'n', a[4] - 1, 'seq', seq, 'spent', spent)
end
call('DEL', KEYS[2])
call('ZREM', KEYS[4], ARGV[1])
call('SET', KEYS[3], format('=%.0f:%.0f:%.0f:%.0f', seconds, units, cost, after), 'PX', ARGV[4])
return {'OK', seconds, units, cost, after}
