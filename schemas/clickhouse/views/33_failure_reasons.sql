-- Why plays failed.
--
-- An interaction fails once, whatever it tells how often; of two reasons in one it has the last by alphabet. A reason that the client does not tell is empty.
-- Interactions are as in the view of that name. Few fail: which do is read from bits, and only their rows are put together.
CREATE OR REPLACE VIEW failure_reasons{{on_cluster}} AS
WITH
    acts AS
    (
        {{part "acts_of_item"}}
    ),
    -- Rows of one key as a merge puts them together.
    merged AS
    (
        SELECT
            item_type, item_id, interaction, visitor_id, user_id,
            max(a.item_name) AS item_name, min(a.first_time) AS first_time, max(a.last_time) AS last_time, max(a.failure_reason) AS failure_reason
        FROM acts AS a
        WHERE interaction IN (SELECT interaction FROM acts WHERE bitTest(happened, 6))
        GROUP BY item_type, item_id, day, interaction, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot
    ),
    failures AS
    (
        SELECT
            item_type, item_id,
            argMax(m.item_name, (m.last_time, m.item_name)) AS item_name,
            argMin(m.visitor_id, (m.first_time, m.visitor_id)) AS visitor_id,
            argMin(m.user_id, (m.first_time, m.user_id)) AS user_id,
            max(m.last_time) AS last_time,
            max(m.failure_reason) AS reason
        FROM merged AS m
        GROUP BY item_type, item_id, interaction
        HAVING toDate(min(m.first_time)) BETWEEN {from:Date} AND {to:Date}
    )
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
        item_type, item_id, reason,
        argMax(f.item_name, (f.last_time, f.item_name)) AS latest_name,
        max((f.last_time, f.item_name)) AS named_at,
        count() AS failed_here,
        uniqExact(if(user_id = '', visitor_id, user_id)) AS users_here,
        sum(failed_here) OVER (PARTITION BY item_type, item_id) AS failed_of_item
    FROM failures AS f
    GROUP BY item_type, item_id, reason
)
GROUP BY item_type, item_id, reason
ORDER BY item_type, item_id, failed DESC, reason
COMMENT 'Each item\'\'s failed plays by reason, and the reason\'\'s share of them: failure_reasons(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact, doubles and late events included {{mark}}'
