-- Why do plays fail?
-- Plays that could not start or go on, by reason. The share is of the item's failed plays.
SELECT
    item_type, -- text
    item_id,   -- text
    item_name, -- text
    reason,    -- text
    failed,    -- plays
    users,     -- users
    share      -- rate
FROM failure_reasons(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
ORDER BY failed DESC, item_type, item_id, reason
