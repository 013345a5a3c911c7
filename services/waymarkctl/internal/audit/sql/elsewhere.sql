-- Which of these events are rows, wherever they came from, and which ClickHouse refused: that is a dead letter of the enriched record, which
-- does not name the raw one.
SELECT event_id, account_id, max(received_at) AS at, 'stored' AS fate
FROM events
WHERE event_id IN (SELECT toUUID(arrayJoin(@ids)))
GROUP BY event_id, account_id
UNION ALL
SELECT event_id, '' AS account_id, max(failed_at) AS at, 'refused' AS fate
FROM dead_events
WHERE stage = 'insert' AND event_id IN (SELECT toUUID(arrayJoin(@ids)))
GROUP BY event_id
