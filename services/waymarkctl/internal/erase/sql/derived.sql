-- What hangs on the tables and may have its own copy: materialized views with their targets, and parts that no query sees. The model's own
-- are erased with the events.
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
        WHERE database = currentDatabase() AND name IN ('events', 'dead_events', 'item_activity', 'visitor_activity', 'end_user_activity')
    ) AS views
    INNER JOIN system.tables AS t ON t.database = view_database AND t.name = view_table
    WHERE NOT (view_database = currentDatabase() AND view_table IN ('item_activity_feed', 'visitor_activity_feed', 'end_user_activity_feed'))
)
UNION ALL
SELECT format('{} detached parts of table {} (system.detached_parts)', toString(count()), table) AS what
FROM system.detached_parts
WHERE database = currentDatabase() AND table IN ('events', 'dead_events', 'item_activity', 'visitor_activity', 'end_user_activity')
GROUP BY table
ORDER BY what
