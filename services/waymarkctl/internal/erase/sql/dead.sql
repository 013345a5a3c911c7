-- Dead letters by their records' names.
SELECT 'dead_events' AS `table`, *
FROM dead_events
WHERE has(@places, format('{}/{}/{}/{}', toString(topic_id), toString(partition), toString(leader_epoch), toString(offset)))
ORDER BY failed_at
