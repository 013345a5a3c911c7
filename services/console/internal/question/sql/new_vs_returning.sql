-- Are people new, or have they been here before?
-- Users of each day whose first event ever is of that day, and the others.
SELECT
    day,             -- date
    new_users,       -- users
    returning_users  -- users
FROM new_vs_returning(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY day
