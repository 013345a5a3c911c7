-- What has accounts and the user may see: tables, materialized views, which show rows without the policies of their tables, and views that read with
-- somebody else's rights. Other views read with the user's own, of tables that are among these.
SELECT DISTINCT c.database, c.table
FROM system.columns AS c
INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
WHERE c.name = 'account_id'
    AND c.database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')
    AND (t.engine != 'View' OR match(t.create_table_query, 'SQL SECURITY (DEFINER|NONE)'))
ORDER BY ALL
