-- How many rows dead letters are.
SELECT count()
FROM dead_events
WHERE has(@places, format('{}/{}/{}/{}', toString(topic_id), toString(partition), toString(leader_epoch), toString(offset)))
