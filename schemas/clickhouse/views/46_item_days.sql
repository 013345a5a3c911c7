-- Each item's days, for BI tools, which know no parameters: filter by account_id and day, which reach the key.
--
-- Of production, without previews and bots. Each count is of what happened on the day, whenever its interaction began: a play completed after midnight is a play of
-- one day and completed on the next. So counts of several days add up; users do not, since one may come each day: ask item_engagement for spans.
CREATE OR REPLACE VIEW item_days{{on_cluster}} AS
SELECT
    account_id, day, item_type, item_id,
    argMax(a.item_name, (a.last_time, a.item_name)) AS item_name,
    uniqExactIf(person, a.exposed) AS exposed_users,
    uniqExactIf(person, a.interacted OR length(a.steps) > 1) AS interacting_users,
    uniqExactIf(interaction, a.started_at IS NOT NULL) AS plays,
    uniqExactIf(person, a.started_at IS NOT NULL) AS players,
    uniqExactIf(interaction, a.completed_at IS NOT NULL) AS completed,
    uniqExactIf(person, a.goal_at IS NOT NULL) AS goal_users,
    uniqExactIf(interaction, a.failed_at IS NOT NULL) AS failed,
    uniqExactIf(interaction, a.stopped_at IS NOT NULL) AS stopped,
    uniqExactIf(interaction, a.dismissed_at IS NOT NULL) AS dismissed
FROM
(
    SELECT
        *,
        cityHash64(if(user_id = '', visitor_id, user_id)) AS person,
        if(interaction_id = '', cityHash64(visitor_id, user_id), cityHash64(interaction_id)) AS interaction
    FROM item_activity FINAL
    WHERE environment IN ('production', '') AND NOT preview AND NOT is_bot
) AS a
GROUP BY account_id, day, item_type, item_id
COMMENT 'Each account''s items by day of UTC, production without previews and bots: users, plays and what became of them, by the day on which each happened. Exact, doubles and late events included; users of several days do not add up {{mark}}'
