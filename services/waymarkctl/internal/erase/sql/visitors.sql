-- The visitors that a user was known by, and how many other users each of them was. A visitor's own id stands in for a user's where
-- there was none: that is nobody else.
SELECT
    visitor_id,
    uniqExactIf(user_id, user_id NOT IN ('', visitor_id) AND NOT has(@users, left(hex(SHA256(concat(@salt, user_id))), 32))) AS others
FROM events
WHERE account_id = @account
  AND visitor_id IN (SELECT visitor_id FROM events WHERE account_id = @account AND has(@users, left(hex(SHA256(concat(@salt, user_id))), 32)))
GROUP BY visitor_id
ORDER BY visitor_id
