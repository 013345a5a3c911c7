-- What the events table holds of a part of a raw partition.
SELECT raw_offset, event_id, epoch
FROM events
WHERE raw_partition = @partition AND raw_offset >= @from AND raw_offset < @to
