-- Dead letters of a part of a raw log.
SELECT DISTINCT offset, leader_epoch, event_id
FROM dead_events
WHERE region = @region AND topic = @topic AND topic_id = toUUID(@topic_id)
  AND partition = @partition AND offset >= @from AND offset < @to
