-- Which onboarding tasks are done?
-- Users who clicked each task and who completed it; a completion may come without any click before it.
SELECT
    item_id,                       -- text
    item_name,                     -- text
    clicked_users,                 -- users
    completed_users,               -- users
    completed_without_click_users  -- users
FROM task_progress(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY completed_users DESC, item_id
