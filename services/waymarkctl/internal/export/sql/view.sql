-- How a view, or a table, was made.
SELECT create_table_query
FROM system.tables
WHERE database = currentDatabase() AND name = @view
