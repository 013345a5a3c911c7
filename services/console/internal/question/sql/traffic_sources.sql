-- Where do people come from?
-- Sessions by what their first event says of where the visitor came from.
SELECT
    traffic_source, -- text
    utm_source,     -- text
    utm_medium,     -- text
    utm_campaign,   -- text
    referrer_host,  -- text
    sessions,       -- count
    users,          -- users
    new_users       -- users
FROM traffic_sources(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
ORDER BY sessions DESC, traffic_source, utm_source, utm_medium, utm_campaign, referrer_host
