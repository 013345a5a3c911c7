-- Whose rows lie in a region's tables, and since when they came last.
SELECT account_id, sum(events) AS events, sum(dead) AS dead, max(last) AS last
FROM
(
    SELECT account_id, count() AS events, 0 AS dead, max(received_at) AS last FROM events GROUP BY account_id
    UNION ALL
    SELECT account_id, 0 AS events, count() AS dead, max(received_at) AS last FROM dead_events WHERE account_id != '' GROUP BY account_id
)
GROUP BY account_id
ORDER BY account_id
