-- Days of a span that events or the model have anything of.
SELECT DISTINCT day
FROM
(
    SELECT toDate(time) AS day FROM events WHERE time >= fromUnixTimestamp64Milli(@from, 'UTC') AND time < fromUnixTimestamp64Milli(@to, 'UTC')
    UNION ALL
    SELECT day FROM item_activity
    UNION ALL
    SELECT toDate(slot) AS day FROM visitor_activity
)
WHERE day >= toDate(fromUnixTimestamp64Milli(@from, 'UTC')) AND day < toDate(fromUnixTimestamp64Milli(@to, 'UTC'))
ORDER BY day
