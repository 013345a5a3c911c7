-- What do people look for and not find?
-- Searches that had no result, by what was typed.
SELECT
    query,     -- text
    searches,  -- count
    users,     -- users
    last_time  -- time
FROM search_without_result(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY searches DESC, query
