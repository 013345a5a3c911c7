-- Each item's users, plays and rates: what item_engagement, goal_rate and item_compare show.
--
-- item_users says whose an interaction is, and on which day. Who acted on an item that no event says they saw (a task's completion) is an interacting user and
-- no part of engagement_rate, which is of those who saw it. completed are completed plays; of what has no plays, a task or a course, all completions. goals
-- are interactions that reached the main goal. A goal or milestone counts for a player in whatever interaction it was reached, also in none: pages that tell
-- of goals need not know of a play. Goals of people who did not play in the span make no goal_users, so that no rate exceeds one. A rate of nobody is NULL.
--
-- The name is that of the item's last activity in the span.
CREATE OR REPLACE VIEW item_rates{{on_cluster}} AS
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
FROM
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
    FROM item_users(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String}) AS u
    GROUP BY item
) AS counted
INNER JOIN
(
    SELECT item_type, item_id, cityHash64(item_type, item_id) AS item, argMax(a.item_name, a.last_time) AS item_name
    FROM
    (
        SELECT *
        FROM item_activity FINAL
        WHERE account_id = {account:String}
            AND day BETWEEN {from:Date} AND {to:Date}
            AND ({item:String} = '' OR item_id = {item:String})
            AND {{part "audience"}}
    ) AS a
    GROUP BY item_type, item_id
) AS named USING (item)
COMMENT 'Each item''s users, plays and rates: item_rates(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact, doubles and late events included; a rate of nobody is NULL {{mark}}'
