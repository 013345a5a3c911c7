-- The last raw record of a partition's log that is stored, in the order in which the enricher writes them, and the highest offset of any
-- epoch. It reads four columns of the whole table, when a group has lost its memory.
SELECT
    max((epoch, raw_leader_epoch, raw_offset)) AS last,
    last.1 AS last_epoch,
    last.2 AS last_leader_epoch,
    last.3 AS last_offset,
    max(raw_offset) AS highest,
    count() AS rows
FROM events
WHERE raw_topic_id = ?
  AND raw_partition = ?
