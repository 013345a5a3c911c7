-- The same of all end users: rows of end_user_activity, of all time.
SELECT countIf(of_events), countIf(of_events AND NOT of_model AND settled), countIf(of_model AND NOT of_events AND kept)
FROM
(
    SELECT fact, max(e) AS of_events, max(m) AS of_model, max(old) AS settled, max(lasting) AS kept
    FROM
    (
        SELECT
            cityHash64(account_id, user_id, visitor_id, company_id, environment, preview, is_bot) AS fact,
            1 AS e, 0 AS m, inserted_at < now64(3) - INTERVAL 1 MINUTE AND expires > now() AS old, 0 AS lasting
        FROM events
        UNION ALL
        SELECT
            cityHash64(account_id, user_id, visitor_id, company_id, environment, preview, is_bot) AS fact,
            0 AS e, 1 AS m, 0 AS old, expires > now() + INTERVAL 1 DAY AS lasting
        FROM end_user_activity
    )
    GROUP BY fact
)
SETTINGS max_bytes_before_external_group_by = 536870912
