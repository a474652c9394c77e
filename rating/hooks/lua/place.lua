-- Stands before every script that changes what is due for a URL.

-- place keeps among the lines when the first delivery of a URL is due; a URL that nothing waits for is not among them.
local function place(due, lines, url)
  local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if first[1] then redis.call('ZADD', lines, first[2], url) else redis.call('ZREM', lines, url) end
end

