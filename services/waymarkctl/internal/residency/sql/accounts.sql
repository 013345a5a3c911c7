-- Whose rows lie in a region's tables, and since when they came last.
SELECT account_id, sum(events) AS events, sum(dead) AS dead, sum(computed) AS computed, max(last) AS last
FROM
(
    SELECT account_id, count() AS events, 0 AS dead, 0 AS computed, max(received_at) AS last FROM events GROUP BY account_id
    UNION ALL
    SELECT account_id, 0 AS events, count() AS dead, 0 AS computed, max(received_at) AS last FROM dead_events WHERE account_id != '' GROUP BY account_id
    UNION ALL
    SELECT account_id, 0 AS events, 0 AS dead, count() AS computed, max(last_time) AS last FROM item_activity GROUP BY account_id
    UNION ALL
    SELECT account_id, 0 AS events, 0 AS dead, count() AS computed, max(last_time) AS last FROM visitor_activity GROUP BY account_id
    UNION ALL
    SELECT account_id, 0 AS events, 0 AS dead, count() AS computed, max(last_seen) AS last FROM end_user_activity GROUP BY account_id
)
GROUP BY account_id
ORDER BY account_id
