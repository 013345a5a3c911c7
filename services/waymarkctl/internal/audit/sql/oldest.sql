-- The lowest raw offset of a log that the table holds of a span.
SELECT min(raw_offset), count()
FROM events
WHERE raw_topic_id = toUUID(@topic_id) AND raw_partition = @partition
  AND received_at >= fromUnixTimestamp64Milli(@from, 'UTC') AND received_at < fromUnixTimestamp64Milli(@to, 'UTC')
  AND time >= fromUnixTimestamp64Milli(@earliest, 'UTC') AND time < fromUnixTimestamp64Milli(@latest, 'UTC')
