-- What the events table holds of a part of a raw log, and how many rows of one epoch each record has.
SELECT raw_offset, raw_leader_epoch, event_id, max(rows)
FROM
(
    SELECT raw_offset, raw_leader_epoch, event_id, epoch, count() AS rows
    FROM events
    WHERE raw_topic_id = toUUID(@topic_id) AND raw_partition = @partition AND raw_offset >= @from AND raw_offset < @to
    GROUP BY raw_offset, raw_leader_epoch, event_id, epoch
)
GROUP BY raw_offset, raw_leader_epoch, event_id
