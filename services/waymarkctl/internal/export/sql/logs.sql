-- The raw logs that the table has events of, and the first and last offset of each.
SELECT raw_topic_id, raw_partition, raw_leader_epoch, min(raw_offset), max(raw_offset)
FROM events
GROUP BY raw_topic_id, raw_partition, raw_leader_epoch
ORDER BY raw_partition, raw_topic_id, raw_leader_epoch
