-- Every row of an event.
SELECT raw_partition, raw_offset, epoch, time, received_at, inserted_at
FROM events
WHERE event_id = toUUID(@id)
ORDER BY raw_partition, raw_offset, epoch
