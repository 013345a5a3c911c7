-- How many tasks has a user done?
-- Users by the number of onboarding tasks that they have completed, and whether these are all there are.
SELECT
    tasks_done, -- number
    users,      -- users
    `all`       -- bool
FROM tasks_done(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY tasks_done
