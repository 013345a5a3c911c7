-- Begins and ends of the person's rows in the model that no event explains, of the time asked for: the event is erased, and the row is not.
SELECT count()
FROM
(
    SELECT visitor_id, user_id, company_id, arrayJoin([{first}, {last}]) AS at
    FROM {table}
    WHERE {whose}
)
WHERE at >= fromUnixTimestamp64Milli(@from, 'UTC') AND at < fromUnixTimestamp64Milli(@to, 'UTC')
  AND cityHash64(visitor_id, user_id, company_id, at) NOT IN
(
    SELECT cityHash64(visitor_id, user_id, company_id, time)
    FROM events
    WHERE time >= fromUnixTimestamp64Milli(@from, 'UTC') AND time < fromUnixTimestamp64Milli(@to, 'UTC')
      AND {whose}
)
