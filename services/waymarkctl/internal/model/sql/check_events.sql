-- Of a day's events: how many there are, which of them visitor_activity lacks, and which it alone has. Both sides are the same hash of what
-- a row of visitor_activity is by, and of one event in it.
--
-- What was stored within the last minute may be on its way. What expires is deleted from both, each at its own merge: an event is asked for
-- until it expires, and a row of the model until the day before its last event does.
SELECT countIf(of_events), countIf(of_events AND NOT of_model AND settled), countIf(of_model AND NOT of_events AND kept)
FROM
(
    SELECT fact, max(e) AS of_events, max(m) AS of_model, max(old) AS settled, max(lasting) AS kept
    FROM
    (
        SELECT
            cityHash64(account_id, toDateTime(toStartOfInterval(time, INTERVAL 30 MINUTE), 'UTC'), visitor_id, user_id, company_id, environment, preview, is_bot, toUInt32(cityHash64(event_id))) AS fact,
            1 AS e, 0 AS m, inserted_at < now64(3) - INTERVAL 1 MINUTE AND expires > now() AS old, 0 AS lasting
        FROM events
        WHERE time >= toDateTime64(@day, 3, 'UTC') AND time < toDateTime64(@day, 3, 'UTC') + INTERVAL 1 DAY
            AND NOT (item_type = 'session' AND event = 'end')
        UNION ALL
        SELECT
            cityHash64(account_id, slot, visitor_id, user_id, company_id, environment, preview, is_bot, one) AS fact,
            0 AS e, 1 AS m, 0 AS old, expires > now() + INTERVAL 1 DAY AS lasting
        FROM visitor_activity
        ARRAY JOIN events AS one
        WHERE toDate(slot) = @day
    )
    GROUP BY fact
)
SETTINGS max_bytes_before_external_group_by = 536870912
