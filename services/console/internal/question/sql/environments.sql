-- Where do the pages run?
-- The environments of the account's events in the span, in its own words, and how many visitors each had.
SELECT
    environment,                       -- text
    uniqExact(visitor_id) AS visitors, -- users
    max(e.last_time) AS last_seen      -- time
FROM visitor_activity AS e
WHERE account_id = {account:String}
    AND toDate(slot) BETWEEN {from:Date} AND {to:Date}
GROUP BY environment
ORDER BY visitors DESC, environment
