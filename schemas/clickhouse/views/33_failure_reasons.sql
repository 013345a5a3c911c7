-- Why plays failed.
--
-- An interaction fails once, whatever it tells how often; of two reasons in one it has the last by alphabet. A reason that the client does not tell is empty.
CREATE OR REPLACE VIEW failure_reasons{{on_cluster}} AS
SELECT
    item_type, item_id,
    argMax(latest_name, named_at) AS item_name,
    reason,
    sum(failed_here) AS failed,
    sum(users_here) AS users,
    failed / any(failed_of_item) AS share
FROM
(
    SELECT
        item_type, item_id, failure_reason AS reason,
        argMax(i.item_name, (i.last_time, i.item_name)) AS latest_name,
        max((i.last_time, i.item_name)) AS named_at,
        count() AS failed_here,
        uniqExact(if(user_id = '', visitor_id, user_id)) AS users_here,
        sum(failed_here) OVER (PARTITION BY item_type, item_id) AS failed_of_item
    FROM interactions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String}) AS i
    WHERE failed_at IS NOT NULL
    GROUP BY item_type, item_id, reason
)
GROUP BY item_type, item_id, reason
ORDER BY item_type, item_id, failed DESC, reason
COMMENT 'Each item''s failed plays by reason, and the reason''s share of them: failure_reasons(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact, doubles and late events included {{mark}}'
