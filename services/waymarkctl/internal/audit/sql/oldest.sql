-- The lowest raw offset of a partition that the table holds of a span.
SELECT min(raw_offset), count()
FROM events
WHERE raw_partition = @partition
  AND received_at >= fromUnixTimestamp64Milli(@from, 'UTC') AND received_at < fromUnixTimestamp64Milli(@to, 'UTC')
