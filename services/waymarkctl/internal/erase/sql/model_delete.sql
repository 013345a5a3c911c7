-- They go whole, with what remains of the person, which is put back from events.
ALTER TABLE {table}
DELETE WHERE {whose}
  AND {last} >= fromUnixTimestamp64Milli(@from, 'UTC') AND {first} < fromUnixTimestamp64Milli(@to, 'UTC')
SETTINGS mutations_sync = 0
