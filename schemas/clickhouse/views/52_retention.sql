-- Of the users who came first in a week, how many came in each week after it.
--
-- A user's cohort is the week, from Monday on, of their first event ever in this audience (first_times). Of a span that begins or ends within a week
-- there is that part of the first week's newcomers, and that part of the last week's visits. Week 0 is the cohort's own, in which all of it came. A cohort
-- with users has a row for each week up to the span's last, also for one in which nobody came.
CREATE OR REPLACE VIEW retention{{on_cluster}} AS
SELECT
    cohort_week,
    returns[0] AS cohort_users,
    week,
    returns[week] AS users,
    users / cohort_users AS rate
FROM
(
    SELECT
        toMonday(f.first_time) AS cohort_week,
        sumMap(arrayMap(monday -> toUInt32(intDiv(monday - toMonday(f.first_time), 7)), mondays), arrayMap(monday -> toUInt64(1), mondays)) AS counts,
        mapFromArrays(counts.1, counts.2) AS returns
    FROM
    (
        SELECT person, groupUniqArray(toMonday(slot)) AS mondays
        FROM half_hours(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
        GROUP BY person
    ) AS s
    INNER JOIN first_times(account = {account:String}, audience = {audience:String}) AS f ON f.person = s.person
    WHERE f.first_time >= toDateTime64({from:Date}, 3, 'UTC')
    GROUP BY cohort_week
)
ARRAY JOIN range(toUInt32(intDiv(toMonday({to:Date}) - cohort_week, 7) + 1)) AS week
ORDER BY cohort_week, week
COMMENT 'Of the users first seen in each week (from Monday) of the span, how many came in each week since: retention(account=, from=, to=, audience=), days of UTC. cohort_users are those of week 0, rate is users / cohort_users {{mark}}'
