-- Rows that a SELECT does not see: in parts that are detached, or not fetched from another replica yet.
SELECT format('table {} has {} detached parts: no query sees the rows in them (system.detached_parts)', table, toString(count())) AS note
FROM system.detached_parts
WHERE database = currentDatabase() AND table IN ('events', 'dead_events', 'item_activity', 'visitor_activity', 'end_user_activity')
GROUP BY table
UNION ALL
SELECT format('this replica of table {} has {} inserts yet to fetch: their rows are not seen here', table, toString(inserts_in_queue)) AS note
FROM system.replicas
WHERE database = currentDatabase() AND table IN ('events', 'dead_events', 'item_activity', 'visitor_activity', 'end_user_activity') AND inserts_in_queue > 0
