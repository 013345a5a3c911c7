-- How long events took: for each minute in which some were stored, from the edge to the enricher's end, and from the edge to the table.
--
-- By the minute in which they were stored: an hour without storing is a gap, and what was kept waiting shows when it comes. Days are those of storing, too.
-- Of rows that are there: a double or a re-enriched event is one until a merge takes the older away. What took more than a month from happening to being
-- stored is not found, since the table is read by the time of the events.
CREATE OR REPLACE VIEW freshness{{on_cluster}} AS
SELECT
    minute, events,
    to_enrich[1] AS seconds_to_enrich_p50,
    to_enrich[2] AS seconds_to_enrich_p99,
    to_store[1] AS seconds_to_store_p50,
    to_store[2] AS seconds_to_store_p99,
    oldest_received_at
FROM
(
    SELECT
        toStartOfMinute(inserted_at) AS minute,
        count() AS events,
        quantilesExactInclusive(0.5, 0.99)(dateDiff('millisecond', e.received_at, enriched_at) / 1000) AS to_enrich,
        quantilesExactInclusive(0.5, 0.99)(dateDiff('millisecond', e.received_at, inserted_at) / 1000) AS to_store,
        min(e.received_at) AS oldest_received_at
    FROM events AS e
    WHERE account_id = {account:String}
        AND inserted_at >= toDateTime64({from:Date}, 3, 'UTC') AND inserted_at < toDateTime64({to:Date} + 1, 3, 'UTC')
        AND time >= toDateTime64({from:Date} - 31, 3, 'UTC') AND time < toDateTime64({to:Date} + 2, 3, 'UTC')
    GROUP BY minute
)
ORDER BY minute
COMMENT 'Seconds from the edge to the enricher''s end and to the table, by the minute of storing: freshness(account=, from=, to=), days of UTC {{mark}}'
