-- What people looked for and did not find.
--
-- A search found nothing when its event says so: a result of null. One that tells of no result at all says nothing. Queries that differ in the case of letters
-- and in blanks at their ends are one. Read from the events, each id once.
CREATE OR REPLACE VIEW search_without_result{{on_cluster}} AS
SELECT
    lowerUTF8(trimBoth(JSONExtractString(detail_text, 'query'))) AS query,
    uniqExact(event_id) AS searches,
    uniqExact(if(user_id = '', visitor_id, user_id)) AS users,
    max(e.time) AS last_time
FROM
(
    SELECT *
    FROM events FINAL
    WHERE account_id = {account:String} AND item_type = 'search' AND event = 'search'
        AND time >= {from:Date} AND time < {to:Date} + 1 AND {{part "audience"}}
) AS e
WHERE JSONExtractRaw(detail_text, 'result') = 'null' AND query != ''
GROUP BY query
ORDER BY searches DESC, query
COMMENT 'Each query that found nothing, how often and by how many: search_without_result(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included {{mark}}'
