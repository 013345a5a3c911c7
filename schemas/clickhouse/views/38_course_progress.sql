-- How far people get in courses.
--
-- started_users began or completed a lesson; lessons_completed_mean is of them. completion_rate is of those who opened the course in the span; who completed it
-- in the span and opened it before is a completed user and no part of the rate. Lessons are told apart by their ids, by their names where they have none.
-- Read from the events, each once: a re-enriched one as it was last.
CREATE OR REPLACE VIEW course_progress{{on_cluster}} AS
SELECT
    item_id,
    argMax(u.item_name, (u.last_time, u.item_name)) AS item_name,
    countIf(opened) AS opened_users,
    countIf(started) AS started_users,
    countIf(completed) AS completed_users,
    if(opened_users = 0, NULL, countIf(opened AND completed) / opened_users) AS completion_rate,
    if(started_users = 0, NULL, sum(lessons) / started_users) AS lessons_completed_mean
FROM
(
    SELECT
        item_id,
        if(user_id = '', visitor_id, user_id) AS person,
        argMax(e.item_name, (e.time, e.item_name)) AS item_name,
        max(e.time) AS last_time,
        max(e.event = 'open') AS opened,
        max(e.event IN ('lesson_start', 'lesson_complete')) AS started,
        max(e.event = 'complete') AS completed,
        uniqExactIf(coalesce(nullIf(e.detail.lesson.id::String, ''), nullIf(e.detail.lesson.name::String, '')), e.event = 'lesson_complete') AS lessons
    FROM
    (
        SELECT *
        FROM events FINAL
        WHERE account_id = {account:String} AND item_type = 'course' AND time >= {from:Date} AND time < {to:Date} + 1 AND {{part "audience"}}
    ) AS e
    GROUP BY item_id, person
) AS u
GROUP BY item_id
ORDER BY item_id
COMMENT 'Each course''s users: who opened it, began a lesson, and completed it: course_progress(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included {{mark}}'
