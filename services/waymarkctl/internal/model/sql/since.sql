-- Events of a span that were stored since a moment by the server's clock.
 AND e.time >= fromUnixTimestamp64Milli(@from, 'UTC') AND e.time < fromUnixTimestamp64Milli(@to, 'UTC')
 AND e.inserted_at >= fromUnixTimestamp64Milli(@since, 'UTC')
