-- How many plays are completed, day by day?
-- Plays of walk-thrus by the day of their start (UTC), and how they ended. An empty item is all walk-thrus.
SELECT
    day,             -- date
    plays,           -- plays
    completed,       -- plays
    completion_rate, -- rate
    stopped,         -- plays
    failed           -- plays
FROM walkthru_completion(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
ORDER BY day
