-- Dead letters of a part of a raw partition.
SELECT DISTINCT offset
FROM dead_events
WHERE topic = @topic AND partition = @partition AND offset >= @from AND offset < @to
