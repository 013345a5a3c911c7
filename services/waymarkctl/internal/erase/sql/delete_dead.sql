-- Dead letters by their records' names. The salt tells this mutation from others.
ALTER TABLE dead_events
DELETE WHERE @salt != '' AND has(@places, format('{}/{}/{}/{}', toString(topic_id), toString(partition), toString(leader_epoch), toString(offset)))
SETTINGS mutations_sync = 0
