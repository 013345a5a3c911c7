-- Which records of a span were given up before, where the dead topic keeps them, and how many blocks ago the part they lie in began
-- (see held_events.sql).
SELECT
    topic,
    partition,
    offset,
    dead_partition,
    dead_offset,
    (
        SELECT max(max_block_number)
        FROM system.parts
        WHERE database = currentDatabase() AND table = 'dead_events'
    ) - toInt64(splitByChar('_', _part)[2]) AS blocks_ago
FROM dead_events
WHERE topic IN ?
  AND partition BETWEEN ? AND ?
  AND offset BETWEEN ? AND ?
