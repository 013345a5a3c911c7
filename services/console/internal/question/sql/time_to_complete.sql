-- How long does it take to complete?
-- From the first play to the completion within one interaction, in seconds.
SELECT
    item_type,      -- text
    item_id,        -- text
    item_name,      -- text
    completed,      -- plays
    seconds_median, -- seconds
    seconds_p90,    -- seconds
    seconds_mean,   -- seconds
    seconds_min,    -- seconds
    seconds_max     -- seconds
FROM time_to_complete(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
ORDER BY completed DESC, item_type, item_id
