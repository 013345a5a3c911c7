-- Which records of a span were given up before, and where the dead topic keeps them.
SELECT
    topic,
    topic_id,
    partition,
    leader_epoch,
    offset,
    dead_topic_id,
    dead_partition,
    dead_offset
FROM dead_events
WHERE topic IN ?
  AND partition BETWEEN ? AND ?
  AND offset BETWEEN ? AND ?
