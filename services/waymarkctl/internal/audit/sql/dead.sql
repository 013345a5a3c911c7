-- Dead letters of a part of a raw log.
SELECT offset, leader_epoch, event_id, toUInt8(min(reason = 'not_collected')) AS not_collected
FROM dead_events
WHERE region = @region AND topic = @topic AND topic_id = toUUID(@topic_id)
  AND partition = @partition AND offset >= @from AND offset < @to
GROUP BY offset, leader_epoch, event_id
