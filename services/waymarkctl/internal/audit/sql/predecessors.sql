-- Rows of a span that come from earlier raw topics of the region.
SELECT count()
FROM events
WHERE region = @region AND raw_topic_id != toUUID(@topic_id)
  AND received_at >= fromUnixTimestamp64Milli(@from, 'UTC') AND received_at < fromUnixTimestamp64Milli(@to, 'UTC')
  AND time >= fromUnixTimestamp64Milli(@earliest, 'UTC') AND time < fromUnixTimestamp64Milli(@latest, 'UTC')
