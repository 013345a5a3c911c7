-- The offset of the last of so many events of a range, if it has as many. Rows that others replace count, too: a file may have fewer.
SELECT raw_offset
FROM events
WHERE raw_topic_id = toUUID(@topic_id) AND raw_partition = @partition AND raw_leader_epoch = @leader_epoch AND raw_offset >= @from AND raw_offset < @to
ORDER BY raw_offset
LIMIT 1 OFFSET @rows - 1
