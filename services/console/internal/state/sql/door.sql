-- What was stored or given up, of all accounts, of what edges took since a moment. The enricher keeps times within a week before their arrival.
SELECT
    (SELECT count() FROM events AS e WHERE e.time > fromUnixTimestamp64Milli({since:Int64}, 'UTC') - INTERVAL 8 DAY AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')) AS stored,
    (SELECT count() FROM dead_events FINAL WHERE failed_at > fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')) AS dead
