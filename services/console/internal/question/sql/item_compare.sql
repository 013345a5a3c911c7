-- Is it better than before, or elsewhere?
-- The same figures of an item in two spans or audiences. The change is the value by the other value, less 1.
-- Required: item.
SELECT
    metric,      -- text
    value,       -- number
    other_value, -- number
    change,      -- change
    item_type    -- text
FROM item_compare(account = {account:String}, item = {item:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, other_from = {other_from:Date}, other_to = {other_to:Date}, other_audience = {other_audience:String})
