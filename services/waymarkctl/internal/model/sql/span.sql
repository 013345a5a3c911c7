-- Events that happened in a span of time.
 AND e.time >= fromUnixTimestamp64Milli(@from, 'UTC') AND e.time < fromUnixTimestamp64Milli(@to, 'UTC')
