-- How long completed plays took: from the interaction's first play to its first completion.
--
-- Where a clock was set back within a play, the completion is before the play: such a play has no time and is not here, neither with a negative time nor
-- with none. Quantiles are exact, between two values in proportion.
CREATE OR REPLACE VIEW time_to_complete{{on_cluster}} AS
SELECT
    item_type, item_id,
    argMax(i.item_name, (i.last_time, i.item_name)) AS item_name,
    count() AS completed,
    quantileExactInclusive(0.5)(seconds_to_complete) AS seconds_median,
    quantileExactInclusive(0.9)(seconds_to_complete) AS seconds_p90,
    avg(seconds_to_complete) AS seconds_mean,
    min(seconds_to_complete) AS seconds_min,
    max(seconds_to_complete) AS seconds_max
FROM interactions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String}) AS i
WHERE item_type = 'walkthru' AND seconds_to_complete >= 0
GROUP BY item_type, item_id
ORDER BY item_type, item_id
COMMENT 'Seconds from play to completion of each walk-thru: time_to_complete(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact to the millisecond, doubles and late events included; plays completed before they began, by their clocks, are left out {{mark}}'
