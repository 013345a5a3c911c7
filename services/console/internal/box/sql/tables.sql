-- The tables and views with accounts, materialized ones too, which show rows without the policies of their tables, that the user may see; of a view with parameters there is nothing to read without them, and it reads the others.
SELECT DISTINCT c.database, c.table
FROM system.columns AS c
INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
WHERE c.name = 'account_id'
    AND c.database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')
    AND match(t.create_table_query, '\\{[a-z_]+:[A-Za-z0-9]+\\}') = 0
ORDER BY ALL
