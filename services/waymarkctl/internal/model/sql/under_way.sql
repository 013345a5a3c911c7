-- Inserts into the database's tables that began so many seconds ago or earlier. A user sees their own, and with the right SHOW PROCESSLIST all.
SELECT count()
FROM system.processes
WHERE query_kind = 'Insert'
  AND current_database = currentDatabase()
  AND elapsed >= @seconds
