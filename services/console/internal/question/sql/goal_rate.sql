-- Does an item lead to its goal?
-- Users who played it, who came to a milestone, and who reached its main goal.
SELECT
    item_type,       -- text
    item_id,         -- text
    item_name,       -- text
    players,         -- users
    milestone_users, -- users
    goal_users,      -- users
    goal_rate        -- rate
FROM goal_rate(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
ORDER BY players DESC, item_type, item_id
