-- How many rows a request means, and how many of them are not anonymised. Without FINAL: a row that a merge has yet to take counts too.
SELECT count(), countIf(visitor_id != toString(event_id))
FROM events
WHERE {person}
