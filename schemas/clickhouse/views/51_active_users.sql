-- How many users were active: each day, in the seven days up to it, and in the thirty.
--
-- A user who was active on a day counts from then for seven days, or until the next active day, from which the next seven run: so each user's spans do not
-- overlap, and the sum of those that begin less those that end is the number of users, without a list of users for each day. Thirty days alike. Each day
-- of the span has a row. Stickiness is the day's part of the month's; NULL where the month has nobody.
CREATE OR REPLACE VIEW active_users{{on_cluster}} AS
SELECT day, dau, wau, mau, if(mau = 0, NULL, dau / mau) AS stickiness
FROM
(
    SELECT
        day,
        sum(c.active) AS dau,
        toUInt64(sum(sum(c.weekly)) OVER up_to_it) AS wau,
        toUInt64(sum(sum(c.monthly)) OVER up_to_it) AS mau
    FROM
    (
        -- Each day is there, whoever was active.
        SELECT {from:Date} - 29 + number AS day, 0 AS active, 0 AS weekly, 0 AS monthly
        FROM numbers(toUInt64(greatest(0, dateDiff('day', {from:Date}, {to:Date}) + 30)))
        UNION ALL
        SELECT change.1 AS day, change.2 AS active, change.3 AS weekly, change.4 AS monthly
        FROM
        (
            SELECT
                arraySort(groupUniqArray(toDate(slot))) AS days,
                arrayPushBack(arrayPopFront(days), toDate('2149-06-06')) AS next_days,
                arrayConcat(
                    arrayMap(day -> (day, 1, 1, 1), days),
                    arrayMap((day, next) -> (least(day + 7, next), 0, -1, 0), days, next_days),
                    arrayMap((day, next) -> (least(day + 30, next), 0, 0, -1), days, next_days)
                ) AS changes
            FROM half_hours(account = {account:String}, from = {from:Date} - 29, to = {to:Date}, audience = {audience:String})
            GROUP BY person
        )
        ARRAY JOIN changes AS change
    ) AS c
    GROUP BY day
    WINDOW up_to_it AS (ORDER BY day)
)
WHERE day BETWEEN {from:Date} AND {to:Date}
ORDER BY day
COMMENT 'Users a day (dau), in the 7 days up to it (wau) and in the 30 (mau), and stickiness (dau / mau): active_users(account=, from=, to=, audience=), days of UTC, each with a row {{mark}}'
