-- How many people come, and how often?
-- Users active on each day (DAU), in the 7 days up to it (WAU) and in the 30 days up to it (MAU). Stickiness is DAU by MAU.
SELECT
    day,        -- date
    dau,        -- users
    wau,        -- users
    mau,        -- users
    stickiness  -- rate
FROM active_users(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY day
