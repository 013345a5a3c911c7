-- One item in two spans, or with two audiences: this month and the last, one country and another.
--
-- The rates and counts of item_engagement and the median of time_to_complete, a row each. change is value / other_value - 1: 0.1 is a tenth more than the
-- other; NULL where the other is nothing. An id that items of two kinds have makes rows of each kind, which item_type tells apart. Nothing is said of chance:
-- small counts differ by themselves.
CREATE OR REPLACE VIEW item_compare{{on_cluster}} AS
SELECT
    metric,
    if(metric LIKE '%rate' OR metric LIKE 'seconds%', maxIf(amount, NOT other), coalesce(maxIf(amount, NOT other), 0)) AS value,
    if(metric LIKE '%rate' OR metric LIKE 'seconds%', maxIf(amount, other), coalesce(maxIf(amount, other), 0)) AS other_value,
    if(other_value = 0, NULL, value / other_value - 1) AS change,
    item_type
FROM
(
    SELECT other, item_type, measured.1 AS metric, measured.2 AS amount, measured.3 AS place
    FROM
    (
        SELECT false AS other, *
        FROM item_rates(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
        UNION ALL
        SELECT true AS other, *
        FROM item_rates(account = {account:String}, from = {other_from:Date}, to = {other_to:Date}, audience = {other_audience:String}, item = {item:String})
    )
    ARRAY JOIN [
        ('exposed_users', toNullable(toFloat64(exposed_users)), 1), ('interacting_users', toFloat64(interacting_users), 2), ('engagement_rate', engagement_rate, 3),
        ('plays', toFloat64(plays), 4), ('players', toFloat64(players), 5), ('completed', toFloat64(completed), 6), ('completion_rate', completion_rate, 7),
        ('goals', toFloat64(goals), 8), ('goal_users', toFloat64(goal_users), 9), ('goal_rate', goal_rate, 10),
        ('failed', toFloat64(failed), 11), ('stopped', toFloat64(stopped), 12), ('dismissed', toFloat64(dismissed), 13)
    ] AS measured
    WHERE item_id = {item:String}
    UNION ALL
    SELECT false, item_type, 'seconds_to_complete_median', seconds_median, 14
    FROM time_to_complete(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
    WHERE item_id = {item:String}
    UNION ALL
    SELECT true, item_type, 'seconds_to_complete_median', seconds_median, 14
    FROM time_to_complete(account = {account:String}, from = {other_from:Date}, to = {other_to:Date}, audience = {other_audience:String}, item = {item:String})
    WHERE item_id = {item:String}
)
GROUP BY item_type, metric
ORDER BY item_type, any(place)
COMMENT 'An item''s counts and rates beside those of another span or audience: item_compare(account=, item=, from=, to=, audience=, other_from=, other_to=, other_audience=), days of UTC. As exact as item_engagement {{mark}}'
