-- Which of these events are rows.
SELECT DISTINCT event_id
FROM events
WHERE event_id IN (SELECT toUUID(arrayJoin(@ids)))
