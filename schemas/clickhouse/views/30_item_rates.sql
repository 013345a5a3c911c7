-- Each item's users, plays and rates: what item_engagement, goal_rate and item_compare show.
--
-- An interaction belongs to the day of its first event and is followed for a day after the last one asked for, and counts for the user who began it, as in
-- interactions: who logs in within it is one user. Who acted on an item that no event says they saw (a task's completion) is an interacting user and no part
-- of engagement_rate, which is of those who saw it. completed are completed plays; of what has no plays, a task or a course, all completions. goals
-- are interactions that reached the main goal. A goal or milestone counts for a player in whatever interaction it was reached, also in none: pages that tell
-- of goals need not know of a play. Goals of people who did not play in the span make no goal_users, so that no rate exceeds one. A rate of nobody is NULL.
-- The name is that of the item's last activity in the span.
--
-- Whole accounts are asked for, with millions of interactions, so it is computed of numbers alone, four times as fast as of texts: hashes of 64 bits,
-- of which two of ten million are the same once in some hundred thousand accounts; the first event's time and its user as one number, the time above; and
-- a bit for each thing that happened.
CREATE OR REPLACE VIEW item_rates{{on_cluster}} AS
WITH
    activity AS
    (
        SELECT *, cityHash64(item_type, item_id) AS item
        FROM
        (
            SELECT *
            FROM item_activity FINAL
            WHERE account_id = {account:String}
                AND day BETWEEN {from:Date} - 1 AND {to:Date} + 1
                AND ({item:String} = '' OR item_id = {item:String})
                AND {{part "audience"}}
        ) AS a
    ),
    of_interactions AS
    (
        SELECT
            item,
            if(interaction_id = '', cityHash64(visitor_id, user_id, day), cityHash64(interaction_id)) AS interaction,
            min(bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(first_time)), 64), toUInt128(cityHash64(if(user_id = '', visitor_id, user_id))))) AS began,
            groupBitOr(toUInt16(
                exposed + 2 * interacted + 4 * isNotNull(started_at) + 8 * isNotNull(completed_at) + 16 * isNotNull(milestone_at) + 32 * isNotNull(goal_at)
                + 64 * isNotNull(failed_at) + 128 * isNotNull(stopped_at) + 256 * isNotNull(dismissed_at))) AS happened,
            minIf(arrayMin(mapKeys(steps)), notEmpty(steps)) AS first_step,
            maxIf(arrayMax(mapKeys(steps)), notEmpty(steps)) AS last_step
        FROM activity
        GROUP BY item, interaction
        HAVING toDate(fromUnixTimestamp64Milli(toInt64(bitShiftRight(began, 64)), 'UTC')) BETWEEN {from:Date} AND {to:Date}
    ),
    of_users AS
    (
        SELECT
            item,
            toUInt64(bitAnd(began, 0xFFFFFFFFFFFFFFFF)) AS person,
            countIf(bitTest(happened, 0)) AS exposures,
            countIf(bitTest(happened, 1) OR first_step < last_step) AS interacted,
            countIf(bitTest(happened, 2)) AS plays,
            countIf(bitTest(happened, 3)) AS completed,
            countIf(bitTest(happened, 2) AND bitTest(happened, 3)) AS completed_plays,
            countIf(bitTest(happened, 4)) AS milestones,
            countIf(bitTest(happened, 5)) AS goals,
            countIf(bitTest(happened, 6)) AS failed,
            countIf(bitTest(happened, 7)) AS stopped,
            countIf(bitTest(happened, 8)) AS dismissed
        FROM of_interactions
        GROUP BY item, person
    ),
    counted AS
    (
        SELECT
            item,
            countIf(u.exposures > 0) AS exposed_users,
            countIf(u.interacted > 0) AS interacting_users,
            countIf(u.exposures > 0 AND u.interacted > 0) AS engaged_users,
            sum(u.plays) AS plays,
            countIf(u.plays > 0) AS players,
            sum(u.completed) AS completions,
            sum(u.completed_plays) AS completed_plays,
            sum(u.goals) AS goals,
            countIf(u.milestones > 0 AND u.plays > 0) AS milestone_users,
            countIf(u.goals > 0 AND u.plays > 0) AS goal_users,
            sum(u.failed) AS failed,
            sum(u.stopped) AS stopped,
            sum(u.dismissed) AS dismissed
        FROM of_users AS u
        GROUP BY item
    ),
    named AS
    (
        SELECT item_type, item_id, item, argMax(a.item_name, a.last_time) AS item_name
        FROM activity AS a
        WHERE day BETWEEN {from:Date} AND {to:Date}
        GROUP BY item_type, item_id, item
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
