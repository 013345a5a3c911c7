-- Every row of an event. Rows become one in a merge where they have the table's ORDER BY in common and lie in one table partition.
SELECT
    raw_topic_id, raw_partition, raw_leader_epoch, raw_offset, epoch, received_at, inserted_at,
    account_id, toString(toDate(client_time)) AS day, item_type, item_id, toString(toYYYYMM(time)) AS month
FROM events
WHERE event_id = toUUID(@id)
ORDER BY received_at, raw_topic_id, raw_partition, raw_leader_epoch, raw_offset, epoch
