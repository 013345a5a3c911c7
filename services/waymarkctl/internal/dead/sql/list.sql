-- Dead letters, the latest first; empty arguments filter nothing. One that was given up twice is one.
SELECT
    event_id, account_id, stage, reason, any(error) AS error, topic, topic_id, partition, leader_epoch, offset,
    max(failed_at) AS failed,
    (argMax(tuple(dead_topic_id, dead_partition, dead_offset), failed_at) AS kept).1 AS kept_topic_id, -- all three of one copy
    kept.2 AS kept_partition, kept.3 AS kept_offset
FROM dead_events
WHERE (@account = '' OR account_id = @account)
  AND (@stage = '' OR stage = @stage)
  AND (@reason = '' OR reason = @reason)
  AND (@id = '' OR toString(event_id) = @id)
  AND (@topic = '' OR (topic = @topic AND partition = @partition AND offset = @offset))
  AND failed_at >= fromUnixTimestamp64Milli(@from, 'UTC')
  AND failed_at < fromUnixTimestamp64Milli(@to, 'UTC')
GROUP BY event_id, account_id, stage, reason, topic, topic_id, partition, leader_epoch, offset
ORDER BY failed DESC, topic, partition, offset
LIMIT @limit
