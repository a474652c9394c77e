-- Finds the URLs for which something is due, those that have waited longest first.
-- KEYS  1 URLs by when something is due
-- ARGV  1 most
-- Reply the URLs
local t = redis.call('TIME')
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), 'LIMIT', 0, ARGV[1])
