-- Each item's users, plays and rates: what item_engagement, goal_rate and item_compare show.
--
-- An interaction belongs to the day of its first event and is followed for a day after the last one asked for, and counts for the user who began it, as in
-- interactions: who logs in within it is one user. Who acted on an item that no event says they saw (a task's completion) is an interacting user and no part
-- of engagement_rate, which is of those who saw it. completed are completed plays; of what has no plays, a task or a course, all completions. goals
-- are interactions that reached the main goal. A goal or milestone counts for a player in whatever interaction it was reached, also in none: pages that tell
-- of goals need not know of a play. Goals of people who did not play in the span make no goal_users, so that no rate exceeds one. A rate of nobody is NULL.
-- The name is that of the item's last activity in the span.
--
-- Whole accounts are asked for, with millions of interactions, so it is computed of item_activity's numbers alone, five times as fast as of texts: the first
-- event's time and its user as one number, the time above; and a bit for each thing that happened. Users are counted by the bits that all their
-- interactions have, interactions by their own bits: two groupings of one reading.
CREATE OR REPLACE VIEW item_rates{{on_cluster}} AS
WITH
    acts AS
    (
        {{part "acts_of_item"}}
    ),
    of_interactions AS
    (
        SELECT
            any(a.item) AS item,
            min(bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(first_time)), 64), toUInt128(a.person))) AS began,
            toUInt64(began) AS person,
            bitOr(groupBitOr(happened), if(min(first_step) < max(last_step), 2, 0)::UInt16) AS did
        FROM acts AS a
        GROUP BY interaction
        HAVING toDate(fromUnixTimestamp64Milli(toInt64(bitShiftRight(began, 64)), 'UTC')) BETWEEN {from:Date} AND {to:Date}
    ),
    grouped AS
    (
        SELECT item, did, grouping(did) = 1 AS of_user, groupBitOr(did) AS ever, count() AS n
        FROM of_interactions
        GROUP BY GROUPING SETS ((item, person), (item, did))
    ),
    counted AS
    (
        SELECT
            item,
            countIf(of_user AND bitTest(ever, 0)) AS exposed_users,
            countIf(of_user AND bitTest(ever, 1)) AS interacting_users,
            countIf(of_user AND bitTest(ever, 0) AND bitTest(ever, 1)) AS engaged_users,
            countIf(of_user AND bitTest(ever, 2)) AS players,
            countIf(of_user AND bitTest(ever, 2) AND bitTest(ever, 4)) AS milestone_users,
            countIf(of_user AND bitTest(ever, 2) AND bitTest(ever, 5)) AS goal_users,
            sumIf(n, NOT of_user AND bitTest(did, 2)) AS plays,
            sumIf(n, NOT of_user AND bitTest(did, 3)) AS completions,
            sumIf(n, NOT of_user AND bitTest(did, 2) AND bitTest(did, 3)) AS completed_plays,
            sumIf(n, NOT of_user AND bitTest(did, 5)) AS goals,
            sumIf(n, NOT of_user AND bitTest(did, 6)) AS failed,
            sumIf(n, NOT of_user AND bitTest(did, 7)) AS stopped,
            sumIf(n, NOT of_user AND bitTest(did, 8)) AS dismissed
        FROM grouped
        GROUP BY item
    ),
    -- Only the item's last day is read for it, and its rows put together as a merge does it.
    named AS
    (
        SELECT item, item_type, item_id, argMax(r.item_name, (r.last_time, r.item_name)) AS item_name
        FROM
        (
            SELECT item, item_type, item_id, max(a.item_name) AS item_name, max(a.last_time) AS last_time
            FROM acts AS a
            WHERE (item, day) IN (SELECT item, max(day) FROM acts WHERE day BETWEEN {from:Date} AND {to:Date} GROUP BY item)
            GROUP BY item, item_type, item_id, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot
        ) AS r
        GROUP BY item, item_type, item_id
    )
SELECT
    item_type, item_id, item_name,
    exposed_users,
    interacting_users,
    if(exposed_users = 0, NULL, engaged_users / exposed_users) AS engagement_rate,
    plays,
    players,
    if(item_type IN ('walkthru', 'autoplay'), completed_plays, completions) AS completed,
    if(plays = 0, NULL, completed / plays) AS completion_rate,
    goals,
    milestone_users,
    goal_users,
    if(players = 0, NULL, goal_users / players) AS goal_rate,
    failed, stopped, dismissed
FROM counted
INNER JOIN named USING (item)
COMMENT 'Each item''s users, plays and rates: item_rates(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact, doubles and late events included; a rate of nobody is NULL {{mark}}'
