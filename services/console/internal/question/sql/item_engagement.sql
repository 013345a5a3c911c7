-- Which items are used?
-- Users who saw each item and who acted on it, its plays and how they ended. The engagement rate is interacting by exposed users, the completion rate completed by all plays, the goal rate users who reached the goal by players.
SELECT
    item_type,         -- text
    item_id,           -- text
    item_name,         -- text
    exposed_users,     -- users
    interacting_users, -- users
    engagement_rate,   -- rate
    plays,             -- plays
    players,           -- users
    completed,         -- plays
    completion_rate,   -- rate
    goals,             -- plays
    goal_users,        -- users
    goal_rate,         -- rate
    failed,            -- plays
    stopped,           -- plays
    dismissed          -- plays
FROM item_engagement(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY exposed_users DESC, item_type, item_id
