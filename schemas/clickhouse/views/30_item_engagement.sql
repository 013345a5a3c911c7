-- How each item does: who saw it, who acted on it, plays and what became of them, in one look at an account's items.
--
-- An interaction belongs to the day of its first event and is followed for a day after the last one asked for, as in interactions; what is computed is the
-- same, too. This is written out since it is asked of whole accounts: of all that interactions puts together it needs few columns, and hashes in the place
-- of ids. Two of ten million interactions have the same hash once in some hundred thousand accounts.
--
-- Users are those who began an interaction: who logs in within one is counted once. Who acted on an item that no event says they saw (a task's completion)
-- is an interacting user and no part of engagement_rate, which is of those who saw it. A rate of nobody is NULL.
CREATE OR REPLACE VIEW item_engagement{{on_cluster}} AS
WITH
    activity AS
    (
        SELECT *, if(user_id = '', visitor_id, user_id) AS person
        FROM (
            SELECT *
            FROM item_activity FINAL
            WHERE account_id = {account:String}
                AND day BETWEEN {from:Date} - 1 AND {to:Date} + 1
                AND {{part "audience"}}
        ) AS a
    ),
    of_interactions AS
    (
        SELECT
            item_type, item_id,
            if(interaction_id = '', cityHash64(visitor_id, user_id, day), cityHash64(interaction_id)) AS interaction,
            argMin(cityHash64(a.person), (a.first_time, a.user_id)) AS person,
            min(a.first_time) AS first_time,
            max(a.exposed) AS exposed,
            max(a.interacted) OR length(groupUniqArrayArray(mapKeys(a.steps))) > 1 AS interacted,
            max(a.started_at IS NOT NULL) AS played,
            max(a.completed_at IS NOT NULL) AS completed,
            max(a.goal_at IS NOT NULL) AS goal,
            max(a.failed_at IS NOT NULL) AS failed,
            max(a.stopped_at IS NOT NULL) AS stopped,
            max(a.dismissed_at IS NOT NULL) AS dismissed
        FROM activity AS a
        GROUP BY item_type, item_id, interaction
        HAVING toDate(first_time) BETWEEN {from:Date} AND {to:Date}
    ),
    of_users AS
    (
        SELECT
            item_type, item_id, person,
            max(i.exposed) AS exposed,
            max(i.interacted) AS interacted,
            sum(i.played) AS plays,
            -- What has no plays, a task or a course, is completed without one.
            countIf(i.completed AND (i.played OR item_type NOT IN ('walkthru', 'autoplay'))) AS completed,
            sum(i.goal) AS goals,
            sum(i.failed) AS failed,
            sum(i.stopped) AS stopped,
            sum(i.dismissed) AS dismissed
        FROM of_interactions AS i
        GROUP BY item_type, item_id, person
    ),
    names AS
    (
        SELECT item_type, item_id, argMax(a.item_name, (a.last_time, a.item_name)) AS item_name
        FROM activity AS a
        WHERE day BETWEEN {from:Date} AND {to:Date}
        GROUP BY item_type, item_id
    )
SELECT
    item_type, item_id,
    any(names.item_name) AS item_name,
    countIf(u.exposed) AS exposed_users,
    countIf(u.interacted) AS interacting_users,
    if(exposed_users = 0, NULL, countIf(u.exposed AND u.interacted) / exposed_users) AS engagement_rate,
    sum(u.plays) AS plays,
    countIf(u.plays > 0) AS players,
    sum(u.completed) AS completed,
    if(plays = 0, NULL, completed / plays) AS completion_rate,
    sum(u.goals) AS goals,
    countIf(u.goals > 0 AND u.plays > 0) AS goal_users,
    if(players = 0, NULL, goal_users / players) AS goal_rate,
    sum(u.failed) AS failed,
    sum(u.stopped) AS stopped,
    sum(u.dismissed) AS dismissed
FROM of_users AS u
INNER JOIN names USING (item_type, item_id)
GROUP BY item_type, item_id
ORDER BY item_type, item_id
COMMENT 'Each item''s users, plays and rates: item_engagement(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included; a rate of nobody is NULL {{mark}}'
