-- Each day's users: those who came that day for the first time ever in this audience, and those who had come before.
--
-- All of the account's time up to the span's end is read to know. Each day of the span has a row.
CREATE OR REPLACE VIEW new_vs_returning{{on_cluster}} AS
SELECT day, sum(d.new_users) AS new_users, sum(d.returning_users) AS returning_users
FROM
(
    SELECT {from:Date} + number AS day, 0 AS new_users, 0 AS returning_users
    FROM numbers(toUInt64(greatest(0, dateDiff('day', {from:Date}, {to:Date}) + 1)))
    UNION ALL
    SELECT day, day = first_day AS new_users, day != first_day AS returning_users
    FROM
    (
        SELECT min(toDate(slot)) AS first_day, groupUniqArrayIf(toDate(slot), toDate(slot) >= {from:Date}) AS days
        FROM
        (
            SELECT *
            FROM visitor_activity FINAL
            WHERE account_id = {account:String}
                AND toDate(slot) <= {to:Date}
                AND {{part "audience"}}
        ) AS a
        GROUP BY cityHash64(if(user_id = '', visitor_id, user_id))
    )
    ARRAY JOIN days AS day
) AS d
GROUP BY day
ORDER BY day
COMMENT 'Each day''s users who came for the first time ever in this audience, and those who had come before: new_vs_returning(account=, from=, to=, audience=), days of UTC, each with a row {{mark}}'
