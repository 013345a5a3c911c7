-- A person's events, as they are stored.
SELECT 'events' AS `table`, *
FROM events
WHERE {person}
ORDER BY time, event_id
