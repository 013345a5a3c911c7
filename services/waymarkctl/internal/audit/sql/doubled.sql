-- Events of a span that are more than one row, without FINAL.
SELECT event_id, count() AS rows
FROM events
WHERE region = @region
  AND received_at >= fromUnixTimestamp64Milli(@from, 'UTC') AND received_at < fromUnixTimestamp64Milli(@to, 'UTC')
  AND time >= fromUnixTimestamp64Milli(@earliest, 'UTC') AND time < fromUnixTimestamp64Milli(@latest, 'UTC')
GROUP BY event_id
HAVING rows > 1
ORDER BY event_id
LIMIT 1001
