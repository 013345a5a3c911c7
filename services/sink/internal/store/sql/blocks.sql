-- The number of the last insert into a table. Parts that were merged away count too: their blocks live on in the merged one.
SELECT max(max_block_number)
FROM system.parts
WHERE database = currentDatabase()
  AND table = ?
