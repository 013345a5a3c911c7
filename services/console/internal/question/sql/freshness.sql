-- How old are the figures?
-- Events by the minute of their arrival, and how long they took from the door to enrichment and to storage.
SELECT
    minute,                -- time
    events,                -- count
    seconds_to_enrich_p50, -- seconds
    seconds_to_enrich_p99, -- seconds
    seconds_to_store_p50,  -- seconds
    seconds_to_store_p99,  -- seconds
    oldest_received_at     -- time
FROM freshness(account = {account:String}, from = {from:Date}, to = {to:Date})
ORDER BY minute
