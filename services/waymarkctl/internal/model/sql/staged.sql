-- Whether a table has rows of a partition.
SELECT toUInt64(sum(rows))
FROM system.parts
WHERE database = currentDatabase() AND table = @table AND partition_id = @partition AND active
