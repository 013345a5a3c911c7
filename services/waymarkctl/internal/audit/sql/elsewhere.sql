-- Which of these events are stored, wherever they came from; a row that ClickHouse refused is a dead letter of its event.
SELECT event_id, 'stored' AS fate FROM events WHERE event_id IN (SELECT toUUID(arrayJoin(@ids)))
UNION DISTINCT
SELECT event_id, 'dead' AS fate FROM dead_events WHERE event_id IN (SELECT toUUID(arrayJoin(@ids)))
