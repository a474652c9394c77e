-- Writes an account as its journal says that it is, with what the calls that were up still hold of it.
-- KEYS  1 account  2 spent on other days  3 all accounts  4 leases  5… calls that were up
-- ARGV  1 extension  2 billing enabled 0|1  3 payment type  4 locked 0|1  5 credit  6 version  7 user name
--       8 balance  9 number of the last line  10 total recharges  11 closed 0|1  12 reference of the import
--       13 days are kept for ms  14 how many pairs of day and what was spent follow, then the calls
-- Reply {OK} {EXISTS}
-- Invariant: held, burn and the number of calls are the sums over the calls. An account that is there is left alone.
local call, number, format = redis.call, tonumber, string.format
if call('EXISTS', KEYS[1]) == 1 then return {'EXISTS'} end
local held, burn, up, spent, newest = 0, 0, 0, {}, ''
local function spend(day, amount)
  spent[day] = (spent[day] or 0) + amount
  if day > newest then newest = day end
end
for i = 1, number(ARGV[14]) do spend(ARGV[13 + 2 * i], number(ARGV[14 + 2 * i])) end
for i = 5, #KEYS do
  local c = call('HMGET', KEYS[i], 'e', 'h', 'b', 'y', 'p')
  if c[1] == ARGV[1] and c[5] == '1' then
    held, burn, up = held + c[2], burn + c[3], up + 1
    if number(c[2]) > 0 then spend(c[4], number(c[2])) end
  end
end
call('HSET', KEYS[1], 'bal', ARGV[8], 'held', format('%.0f', held), 'out', '0', 'burn', format('%.0f', burn), 'n', up,
  'seq', ARGV[9], 'rech', ARGV[10], 'pin', '0', 'pend', '0', 'day', newest, 'spent', format('%.0f', spent[newest] or 0),
  'bill', ARGV[2], 'pay', ARGV[3], 'lock', ARGV[4], 'cr', ARGV[5], 'tv', ARGV[6], 'name', ARGV[7], 'shut', ARGV[11], 'ref', ARGV[12])
call('SADD', KEYS[3], ARGV[1])
for day, amount in pairs(spent) do
  if day ~= newest then
    call('HSET', KEYS[2], day, format('%.0f', amount))
    call('PEXPIRE', KEYS[2], ARGV[13])
  end
end
return {'OK'}
