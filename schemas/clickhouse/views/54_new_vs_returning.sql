-- Each day's users: those who came that day for the first time ever in this audience (first_times), and those who had come before.
--
-- Each day of the span has a row.
CREATE OR REPLACE VIEW new_vs_returning{{on_cluster}} AS
SELECT day, sum(d.new_users) AS new_users, sum(d.returning_users) AS returning_users
FROM
(
    SELECT {from:Date} + number AS day, 0 AS new_users, 0 AS returning_users
    FROM numbers(toUInt64(greatest(0, dateDiff('day', {from:Date}, {to:Date}) + 1)))
    UNION ALL
    SELECT day, day = toDate(f.first_time) AS new_users, day != toDate(f.first_time) AS returning_users
    FROM
    (
        SELECT person, toDate(slot) AS day
        FROM half_hours(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
        GROUP BY person, day
    ) AS s
    INNER JOIN first_times(account = {account:String}, audience = {audience:String}) AS f ON f.person = s.person
) AS d
GROUP BY day
ORDER BY day
COMMENT 'Each day''s users who came for the first time ever in this audience, and those who had come before: new_vs_returning(account=, from=, to=, audience=), days of UTC, each with a row {{mark}}'
