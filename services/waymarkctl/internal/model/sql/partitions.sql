-- Months that events or a table of the model have rows of, as partitions are named: 202611.
SELECT DISTINCT partition_id
FROM system.parts
WHERE database = currentDatabase() AND table IN ('events', 'item_activity', 'visitor_activity') AND active
ORDER BY partition_id
