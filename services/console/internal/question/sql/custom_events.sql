-- Which events of its own does the account send?
-- Custom events by name: one may be the goal of a guide.
SELECT
    detail.name::String AS name,  -- text
    count() AS events,            -- count
    uniqExact(user_id) AS users,  -- users
    max(e.time) AS last_time      -- time
FROM events_live AS e
WHERE account_id = {account:String}
    AND item_type = 'custom'
    AND toDate(e.time) BETWEEN {from:Date} AND {to:Date}
GROUP BY name
ORDER BY events DESC, name
