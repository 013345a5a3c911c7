-- What did this user do?
-- The user's events, the latest first.
SELECT
    time,        -- time
    event,       -- text
    item_type,   -- text
    item_id,     -- text
    item_name,   -- text
    step_name,   -- text
    url_path,    -- text
    page_title,  -- text
    environment, -- text
    preview      -- bool
FROM end_user_timeline(account = {account:String}, user = {user:String}, from = {from:Date}, to = {to:Date})
ORDER BY time DESC
