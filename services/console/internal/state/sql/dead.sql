-- Dead letters of an account in the last day, by what could not be used about them. The sentence is an example.
SELECT stage, reason, count() AS letters, max(failed_at) AS last, argMax(error, failed_at) AS example
FROM dead_events FINAL
WHERE account_id = {account:String}
    AND failed_at > now64(3, 'UTC') - INTERVAL 1 DAY
GROUP BY stage, reason
ORDER BY letters DESC, stage, reason
LIMIT 100
