-- Who is this user?
-- One row: first and last seen, sessions, and what is known of the user from the latest event.
SELECT
    user_id,              -- text
    visitors,             -- count
    companies,            -- list
    first_seen,           -- time
    last_seen,            -- time
    sessions,             -- count
    seconds_mean,         -- seconds
    seconds_total,        -- seconds
    seconds_between_mean, -- seconds
    country_code,         -- text
    country,              -- text
    subdivision,          -- text
    city,                 -- text
    browser,              -- text
    browser_version,      -- text
    os,                   -- text
    device_type,          -- text
    language,             -- text
    timezone,             -- text
    attributes            -- map
FROM end_user_profile(account = {account:String}, user = {user:String})
