-- How far do people get in courses?
-- Users who opened each course, began a lesson, and completed it.
SELECT
    item_id,                -- text
    item_name,              -- text
    opened_users,           -- users
    started_users,          -- users
    completed_users,        -- users
    completion_rate,        -- rate
    lessons_completed_mean  -- number
FROM course_progress(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY opened_users DESC, item_id
