-- Ends a call: one debit, the rest of the hold is free again, one record with journal line and CDR. Once.
-- KEYS  1 account  2 call  3 blob of the call  4 result of the call  5 leases  6 spent per day  7 outbox  8 nodes
-- ARGV  1 call  2 extension  3 billed seconds, 0 = not answered  4 results are kept for ms  5 CDR
--       6 '' or 'sweep': only if the lease has lapsed, and the seconds are those to the last proof of life  7 lease ms
-- Reply {OK, seconds, units, cost, balance}  {DONE, result}  {NOCALL} {CONFLICT} {LEASED}
-- Invariant: cost <= held by the call: talk beyond what was granted is not billed. balance = opening + Σ journal, and
-- the numbers of an account's lines have no gap. A repeat changes nothing and says the same.
local c = redis.call('HMGET', KEYS[2], 's', 'e', 't', 'k', 'h', 'b', 'x', 'y', 'o', 'p', 'w')
if not c[1] then
  local result = redis.call('GET', KEYS[4])
  if result then return {'DONE', result} end
  return {'NOCALL'}
end
if c[2] ~= ARGV[2] then return {'CONFLICT'} end
local seconds = tonumber(ARGV[3])
if ARGV[6] == 'sweep' then
  local t = redis.call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  local lease = tonumber(redis.call('ZSCORE', KEYS[5], ARGV[1]) or 0)
  if lease > now then return {'LEASED'} end
  seconds = 0
  if c[1] == '1' then
    local seen = string.match(redis.call('HGET', KEYS[8], c[11]) or '', '^(%d+)') or 0
    local alive = math.min(now, math.max(lease - ARGV[7], tonumber(seen)))
    seconds = math.max(1, math.ceil((alive - c[9]) / 1000))
  end
end

local units, cost, hold = 0, 0, tonumber(c[5])
if seconds > 0 and c[7] == '' then
  local first, initial, unit, price = string.match(c[3], '^(%d+):(%d+):(%d+):(%d+)$')
  initial, unit, price = tonumber(initial), tonumber(unit), tonumber(price)
  if seconds > initial and unit > 0 then units = math.floor((seconds - initial - 1) / unit) + 1 end
  if price > 0 and units > tonumber(c[4]) then
    units = tonumber(c[4])
    seconds = initial + units * unit
  end
  cost = first + units * price
end

local seq, bal, after = 0, 0, 0
local a = c[10] == '1' and redis.call('HMGET', KEYS[1], 'bal', 'held', 'burn', 'n', 'seq')
if a then
  bal, seq = tonumber(a[1]), a[5] + 1
  after = bal - cost
end
if hold > cost and redis.call('HINCRBY', KEYS[6], c[8], string.format('%.0f', cost - hold)) <= 0 then
  redis.call('HDEL', KEYS[6], c[8])
end
redis.call('XADD', KEYS[7], '*', 'c', string.format('%.0f:%.0f:%.0f:%.0f:%.0f:%.0f', seq, bal, after, seconds, units, cost), 'm', ARGV[5])
if a then
  redis.call('HSET', KEYS[1], 'bal', string.format('%.0f', after), 'held', string.format('%.0f', a[2] - hold),
    'burn', string.format('%.0f', a[3] - c[6]), 'n', a[4] - 1, 'seq', string.format('%.0f', seq))
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[5], ARGV[1])
redis.call('SET', KEYS[4], string.format('%.0f:%.0f:%.0f:%.0f', seconds, units, cost, after), 'PX', ARGV[4])
return {'OK', seconds, units, cost, after}
