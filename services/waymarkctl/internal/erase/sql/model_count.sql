-- Rows of the model that have events of the time asked for, or may have.
SELECT count()
FROM {table}
WHERE {whose}
  AND {last} >= fromUnixTimestamp64Milli(@from, 'UTC') AND {first} < fromUnixTimestamp64Milli(@to, 'UTC')
