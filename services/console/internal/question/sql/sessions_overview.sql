-- How long do people stay?
-- Sessions by the day of their begin, their length, and what happened in them. Thirty minutes without an event end a session.
SELECT
    day,                -- date
    sessions,           -- count
    users,              -- users
    sessions_per_user,  -- number
    seconds_median,     -- seconds
    seconds_mean,       -- seconds
    events_per_session, -- number
    views_per_session   -- number
FROM sessions_overview(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY day
