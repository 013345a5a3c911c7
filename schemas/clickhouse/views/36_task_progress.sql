-- How onboarding's tasks get done, and by whom without the guidance: a completion can come without any click before it.
--
-- completed_without_click_users completed the task in the span and had not clicked it by the span's end, at whatever time since the account's first day.
-- The order of a click and a completion of one day plays no part. Who clicked before a log-in and completed after it is two users here.
CREATE OR REPLACE VIEW task_progress{{on_cluster}} AS
SELECT
    item_id,
    argMax(u.item_name, (u.last_time, u.item_name)) AS item_name,
    countIf(clicked) AS clicked_users,
    countIf(completed) AS completed_users,
    countIf(completed AND NOT ever_clicked) AS completed_without_click_users
FROM
(
    SELECT
        item_id,
        if(user_id = '', visitor_id, user_id) AS person,
        argMax(a.item_name, (a.last_time, a.item_name)) AS item_name,
        max(a.last_time) AS last_time,
        max(a.clicked) AS ever_clicked,
        max(a.clicked AND a.day >= {from:Date}) AS clicked,
        max(a.completed_at IS NOT NULL AND a.day >= {from:Date}) AS completed
    FROM
    (
        SELECT *
        FROM item_activity FINAL
        WHERE account_id = {account:String} AND item_type = 'task' AND day <= {to:Date} AND {{part "audience"}}
    ) AS a
    GROUP BY item_id, person
    HAVING clicked OR completed
) AS u
GROUP BY item_id
ORDER BY item_id
COMMENT 'Each task''s users who clicked and completed it, and who did without a click: task_progress(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included {{mark}}'
