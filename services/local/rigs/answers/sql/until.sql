-- The midnight after the last event of the history; no row without one.
SELECT toDateTime(toDate(max(time)) + 1, 'UTC')
FROM events
WHERE raw_topic_id = toUUID(@topic_id) AND raw_partition = 0
HAVING count() > 0
