-- Which lessons of a course are begun and completed.
--
-- Who completed a lesson has begun it, whether or not that was told. Lessons are told apart by their ids, by their names where they have none. Read from the
-- events, each once.
CREATE OR REPLACE VIEW course_lessons{{on_cluster}} AS
SELECT
    item_id,
    argMax(e.item_name, (e.time, e.item_name)) AS item_name,
    coalesce(nullIf(e.detail.lesson.id::String, ''), e.detail.lesson.name::String) AS lesson_id,
    argMax(e.detail.lesson.name::String, (e.time, e.detail.lesson.name::String)) AS lesson_name,
    uniqExact(if(user_id = '', visitor_id, user_id)) AS started_users,
    uniqExactIf(if(user_id = '', visitor_id, user_id), event = 'lesson_complete') AS completed_users
FROM
(
    SELECT *
    FROM events FINAL
    WHERE account_id = {account:String} AND item_type = 'course' AND event IN ('lesson_start', 'lesson_complete')
        AND ({item:String} = '' OR item_id = {item:String}) AND time >= {from:Date} AND time < {to:Date} + 1 AND {{part "audience"}}
) AS e
WHERE lesson_id != ''
GROUP BY item_id, lesson_id
ORDER BY item_id, lesson_id
COMMENT 'Each lesson''s users who began and who completed it: course_lessons(account=, from=, to=, audience=, item=), days of UTC, item empty for all courses. Exact, doubles and late events included {{mark}}'
