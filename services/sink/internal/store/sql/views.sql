-- Materialized views that an insert into a table is pushed to.
SELECT count()
FROM system.tables
ARRAY JOIN dependencies_database AS view_database, dependencies_table AS view_table
WHERE database = currentDatabase()
  AND name = ?
