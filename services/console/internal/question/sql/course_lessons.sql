-- Which lessons of a course are completed?
-- Users who began and who completed each lesson. An empty item is all courses.
SELECT
    lesson_id,       -- text
    lesson_name,     -- text
    started_users,   -- users
    completed_users  -- users
FROM course_lessons(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
ORDER BY started_users DESC, lesson_id
