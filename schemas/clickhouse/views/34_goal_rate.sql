-- Of those who played a walk-thru, who reached its milestones and its main goal.
--
-- A goal counts for a player in whatever interaction it was reached, also in none: pages that tell of goals need not know of a play. Goals of people who did
-- not play in the span are not here, so that the rate is at most one; item_engagement's goals has them.
CREATE OR REPLACE VIEW goal_rate{{on_cluster}} AS
SELECT
    item_type, item_id,
    argMax(u.item_name, (u.last_time, u.item_name)) AS item_name,
    count() AS players,
    countIf(milestone) AS milestone_users,
    countIf(goal) AS goal_users,
    goal_users / players AS goal_rate
FROM
(
    SELECT
        item_type, item_id,
        if(user_id = '', visitor_id, user_id) AS person,
        argMax(i.item_name, (i.last_time, i.item_name)) AS item_name,
        max(i.last_time) AS last_time,
        max(i.milestone_at IS NOT NULL) AS milestone,
        max(i.goal_at IS NOT NULL) AS goal
    FROM interactions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String}) AS i
    WHERE item_type = 'walkthru'
    GROUP BY item_type, item_id, person
    HAVING max(i.started_at IS NOT NULL)
) AS u
GROUP BY item_type, item_id
ORDER BY item_type, item_id
COMMENT 'Players of each walk-thru and how many of them reached its milestones and its goal: goal_rate(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact, doubles and late events included {{mark}}'
