-- Dead letters of events that are rows of the person's, too.
SELECT toString(topic_id), partition, leader_epoch, offset
FROM dead_events
WHERE account_id = @account
  AND event_id IN (SELECT event_id FROM events WHERE {person})
