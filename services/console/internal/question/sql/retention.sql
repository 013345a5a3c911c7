-- Do people come back?
-- Users by the week of their first event, and how many of them were active so many weeks later.
SELECT
    cohort_week,  -- date
    cohort_users, -- users
    week,         -- number
    users,        -- users
    rate          -- rate
FROM retention(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY cohort_week, week
