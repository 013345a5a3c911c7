-- How many users were active: each day, in the seven days up to it, and in the thirty.
--
-- A number has 64 bits, one for each of 35 days of the span and of the 29 before them. So a user's days are a number for each 35 days, many users have the
-- same, and each number says of each day whether the day's bit is set, one of the seven up to it, or one of the thirty. Each day of the span has a row.
-- Stickiness is the day's part of the month's; NULL where the month has nobody.
CREATE OR REPLACE VIEW active_users{{on_cluster}} AS
SELECT
    day,
    sum(d.active) AS dau,
    sum(d.weekly) AS wau,
    sum(d.monthly) AS mau,
    if(mau = 0, NULL, dau / mau) AS stickiness
FROM
(
    -- Each day is there, whoever was active.
    SELECT {from:Date} + number AS day, 0 AS active, 0 AS weekly, 0 AS monthly
    FROM numbers(toUInt64(greatest(0, dateDiff('day', {from:Date}, {to:Date}) + 1)))
    UNION ALL
    SELECT
        {from:Date} + 35 * stretch + place AS day,
        users * bitTest(days, 29 + place) AS active,
        users * (bitAnd(bitShiftRight(days, 23 + place), 127) != 0) AS weekly,
        users * (bitAnd(bitShiftRight(days, place), 1073741823) != 0) AS monthly
    FROM
    (
        SELECT stretch, days, count() AS users
        FROM
        (
            SELECT person, stretch, groupBitOr(bitShiftLeft(toUInt64(1), since - 35 * stretch)) AS days
            FROM
            (
                SELECT person, toDate(slot) - ({from:Date} - 29) AS since
                FROM half_hours(account = {account:String}, from = {from:Date} - 29, to = {to:Date}, audience = {audience:String})
            )
            ARRAY JOIN range(
                toUInt32(intDiv(greatest(since, 63) - 29, 35)),
                toUInt32(least(intDiv(since, 35), intDiv(dateDiff('day', {from:Date}, {to:Date}), 35)) + 1)
            ) AS stretch
            GROUP BY person, stretch
        )
        GROUP BY stretch, days
    )
    ARRAY JOIN range(35) AS place
    WHERE day <= {to:Date}
) AS d
GROUP BY day
ORDER BY day
COMMENT 'Users a day (dau), in the 7 days up to it (wau) and in the 30 (mau), and stickiness (dau / mau): active_users(account=, from=, to=, audience=), days of UTC, each with a row {{mark}}'
