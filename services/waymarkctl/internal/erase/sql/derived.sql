-- What hangs on the events table and may have its own copy: materialized views with their targets, and parts that no query sees.
SELECT concat('materialized view ', view, if(target = '', '', concat(', which fills ', target))) AS what
FROM
(
    SELECT
        concat(view_database, '.', view_table) AS view,
        extract(create_table_query, '^CREATE MATERIALIZED VIEW \\S+ (?:REFRESH [^T]*)?TO (\\S+)') AS target
    FROM
    (
        SELECT arrayJoin(arrayZip(dependencies_database, dependencies_table)) AS dependency, dependency.1 AS view_database, dependency.2 AS view_table
        FROM system.tables
        WHERE database = currentDatabase() AND name IN ('events', 'dead_events')
    ) AS views
    INNER JOIN system.tables AS t ON t.database = view_database AND t.name = view_table
)
UNION ALL
SELECT format('{} detached parts of table {} (system.detached_parts)', toString(count()), table) AS what
FROM system.detached_parts
WHERE database = currentDatabase() AND table IN ('events', 'dead_events')
GROUP BY table
ORDER BY what
