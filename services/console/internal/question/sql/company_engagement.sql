-- Which companies use it?
-- What the users of each company did.
SELECT
    company_id,  -- text
    users,       -- users
    active_days, -- days
    sessions,    -- count
    events,      -- count
    plays,       -- plays
    completed,   -- plays
    last_seen    -- time
FROM company_engagement(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY users DESC, company_id
