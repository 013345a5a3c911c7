-- Who are the users?
-- Users by when they were last seen; search is a part of the user's id or of the company's. The place and the browser are those of the latest event.
SELECT
    user_id,                                          -- text
    groupUniqArray(company_id) AS companies,          -- list
    uniqExact(visitor_id) AS visitors,                -- count
    min(e.first_seen) AS first_seen,                  -- time
    max(e.last_seen) AS last_seen,                    -- time
    max(e.latest).country AS country,                 -- text
    max(e.latest).city AS city,                       -- text
    max(e.latest).browser AS browser,                 -- text
    max(e.latest).os AS os                            -- text
FROM end_user_activity AS e
WHERE account_id = {account:String}
    AND NOT preview
    AND NOT is_bot
    AND user_id != ''
    AND ({search:String} = '' OR positionCaseInsensitiveUTF8(user_id, {search:String}) > 0 OR positionCaseInsensitiveUTF8(company_id, {search:String}) > 0)
GROUP BY user_id
ORDER BY last_seen DESC, user_id
LIMIT {limit:UInt32}
