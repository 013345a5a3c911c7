-- Whether those who took a guide reach a goal more often than those who did not.
--
-- Of users who were first seen in the span, ever, in the audience. Who played the item in the span took it; of an item without plays, who acted on it. The goal
-- is a custom event by its name, in the span. Of who took the guide only goals from then on count, or else the guide would be credited with what
-- was reached without it; of the others any. days_to_goal_median is from first seen, for both, to the first goal that counts; exact, between two
-- values in proportion.
--
-- It compares, and proves nothing: who takes a guide may be who would have reached the goal anyway, and who stays longer has more time for both. Who took the
-- guide before a log-in and reached the goal after it is two users here.
CREATE OR REPLACE VIEW guide_effect{{on_cluster}} AS
WITH
    newcomers AS
    (
        SELECT if(user_id = '', visitor_id, user_id) AS person, min(a.first_time) AS first_seen
        FROM
        (
            SELECT *
            FROM visitor_activity FINAL
            WHERE account_id = {account:String} AND toDate(slot) <= {to:Date} AND {{part "audience"}}
        ) AS a
        GROUP BY person
        HAVING toDate(first_seen) >= {from:Date}
    ),
    takers AS
    (
        SELECT if(user_id = '', visitor_id, user_id) AS person, toNullable(min(coalesce(a.started_at, a.first_time))) AS took_at
        FROM
        (
            SELECT *
            FROM item_activity FINAL
            WHERE account_id = {account:String} AND item_id = {item:String} AND day BETWEEN {from:Date} AND {to:Date} AND {{part "audience"}}
        ) AS a
        WHERE if(item_type IN ('walkthru', 'autoplay'), started_at IS NOT NULL, interacted)
        GROUP BY person
    ),
    goals AS
    (
        SELECT if(user_id = '', visitor_id, user_id) AS person, groupArray(a.time) AS times
        FROM
        (
            SELECT *
            FROM events FINAL
            WHERE account_id = {account:String} AND item_type = 'custom' AND detail.name::String = {goal:String}
                AND time >= {from:Date} AND time < {to:Date} + 1 AND {{part "audience"}}
        ) AS a
        GROUP BY person
    ),
    outcomes AS
    (
        SELECT
            isNotNull(took_at) AS took_it,
            arrayFilter(at -> took_at IS NULL OR at >= took_at, times) AS counted,
            if(empty(counted), NULL, dateDiff('millisecond', first_seen, arrayMin(counted)) / 86400000) AS days_to_goal
        FROM newcomers
        LEFT JOIN takers USING (person)
        LEFT JOIN goals USING (person)
    )
SELECT
    took_it::Bool AS took_it,
    count() AS users,
    countIf(days_to_goal IS NOT NULL) AS reached,
    reached / users AS reach_rate,
    quantileExactInclusive(0.5)(days_to_goal) AS days_to_goal_median
FROM outcomes
WHERE (SELECT throwIf({item:String} = '' OR {goal:String} = '', 'item and goal: want an item''s id and a custom event''s name')) = 0
GROUP BY took_it
ORDER BY took_it DESC
SETTINGS join_use_nulls = 0
COMMENT 'New users who took a guide and who did not, and how many of each reached a goal: guide_effect(account=, from=, to=, audience=, item=, goal=), days of UTC. Exact, doubles and late events included; a comparison, not a cause {{mark}}'
