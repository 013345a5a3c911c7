-- A table's engine as one server has it, with key, TTL and settings.
SELECT replaceRegexpOne(engine_full, '^Replicated(\\w+)\\([^)]*\\)', '\\1')
FROM system.tables
WHERE database = currentDatabase() AND name = @table
