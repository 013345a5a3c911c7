-- Inserts that the server is busy with, by their tokens. A user sees their own.
SELECT count()
FROM system.processes
WHERE query_kind = 'Insert'
  AND current_database = currentDatabase()
  AND Settings['insert_deduplication_token'] LIKE ?
