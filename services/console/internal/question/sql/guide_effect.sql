-- Does a guide lead to what it is for?
-- Users first seen in the span, those who took the guide and those who did not, and how many of each reached the goal, a custom event. Of those who took it only goals after the play count.
-- Required: item.
SELECT
    took_it,             -- bool
    users,               -- users
    reached,             -- users
    reach_rate,          -- rate
    days_to_goal_median  -- days
FROM guide_effect(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String}, goal = {goal:String})
ORDER BY took_it DESC
