-- Where do people leave a walk-thru?
-- Plays and users that reached each step, where plays began and ended, and how long the next step took. The drop-off rate is of the plays that reached the step.
-- Required: item.
SELECT
    step_index,             -- number
    step_name,              -- text
    plays,                  -- plays
    users,                  -- users
    entered_here,           -- plays
    ended_here,             -- plays
    drop_off_rate,          -- rate
    seconds_to_next_median, -- seconds
    seconds_to_next_p90     -- seconds
FROM walkthru_funnel(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
ORDER BY step_index
