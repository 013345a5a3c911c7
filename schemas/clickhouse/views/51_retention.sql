-- Of the users who came first in a week, how many came in each week after it.
--
-- A user's cohort is the week, from Monday on, of their first event ever in this audience: all of the account's time up to the span's end is read for it.
-- Of a span that begins or ends within a week there is that part of the first week's newcomers, and that part of the last week's visits. Week 0 is the
-- cohort's own, in which all of it came. A cohort with users has a row for each week up to the span's last, also for one in which nobody came.
CREATE OR REPLACE VIEW retention{{on_cluster}} AS
SELECT
    cohort_week,
    returns[0] AS cohort_users,
    week,
    returns[week] AS users,
    users / cohort_users AS rate
FROM
(
    SELECT cohort_week, sumMap(mapFromArrays(weeks, arrayMap(week -> toUInt64(1), weeks))) AS returns
    FROM
    (
        SELECT
            toMonday(min(toDate(slot))) AS cohort_week,
            arrayMap(monday -> toUInt32(intDiv(monday - cohort_week, 7)), groupUniqArray(toMonday(slot))) AS weeks
        FROM
        (
            SELECT *
            FROM visitor_activity FINAL
            WHERE account_id = {account:String}
                AND toDate(slot) <= {to:Date}
                AND {{part "audience"}}
        ) AS a
        GROUP BY cityHash64(if(user_id = '', visitor_id, user_id))
        HAVING min(toDate(slot)) >= {from:Date}
    )
    GROUP BY cohort_week
)
ARRAY JOIN range(toUInt32(intDiv(toMonday({to:Date}) - cohort_week, 7) + 1)) AS week
ORDER BY cohort_week, week
COMMENT 'Of the users first seen in each week (from Monday) of the span, how many came in each week since: retention(account=, from=, to=, audience=), days of UTC. cohort_users are those of week 0, rate is users / cohort_users {{mark}}'
