-- What of an account was stored in the last day, and how long that took.
SELECT
    count() AS events,
    events - uniqExact(event_id) AS doubles,
    max(inserted_at) AS last_inserted_at,
    max(received_at) AS last_received_at,
    quantiles(0.5, 0.99)(dateDiff('millisecond', received_at, inserted_at) / 1000) AS seconds_to_store
FROM events AS e
WHERE account_id = {account:String}
    AND e.time > now64(3, 'UTC') - INTERVAL 1 DAY
