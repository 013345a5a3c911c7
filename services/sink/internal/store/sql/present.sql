-- How many of some events are rows, wherever they came from.
SELECT uniqExact(event_id)
FROM events
WHERE event_id IN ?
