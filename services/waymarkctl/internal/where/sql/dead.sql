-- Every dead letter of an event.
SELECT stage, reason, error, topic, topic_id, partition, leader_epoch, offset, failed_at, dead_topic_id, dead_partition, dead_offset
FROM dead_events
WHERE event_id = toUUID(@id)
ORDER BY failed_at
