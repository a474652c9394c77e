-- Drops records of the outbox that the archive has for good, unless a backup still needs them.
-- KEYS  1 outbox  2 mark of a backup
-- ARGV  1 the first position that stays
-- Reply {OK}  {KEPT}: a backup is under way, nothing is dropped
-- Invariant: while the mark stands every record filed since it was set can be read here.
if redis.call('EXISTS', KEYS[2]) == 1 then return {'KEPT'} end
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
return {'OK'}
