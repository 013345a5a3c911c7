-- Days of a span that have events.
SELECT DISTINCT toDate(time) AS day
FROM events
WHERE time >= fromUnixTimestamp64Milli(@from, 'UTC') AND time < fromUnixTimestamp64Milli(@to, 'UTC')
ORDER BY day
