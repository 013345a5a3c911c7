-- How the tables are kept, their TTL among it.
SELECT name, engine_full
FROM system.tables
WHERE database = currentDatabase() AND name IN ('events', 'dead_events')
ORDER BY name DESC
