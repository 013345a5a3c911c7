-- Which of these events are rows, and of which account.
SELECT DISTINCT event_id, account_id
FROM events
WHERE event_id IN (SELECT toUUID(arrayJoin(@ids)))
