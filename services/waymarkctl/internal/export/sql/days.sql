-- Whose events of which day a range has.
SELECT toString(account_id), toString(toDate(time)), count(), sum(cityHash64(event_id))
FROM events FINAL
WHERE raw_topic_id = toUUID(@topic_id) AND raw_partition = @partition AND raw_leader_epoch = @leader_epoch AND raw_offset >= @from AND raw_offset < @to
GROUP BY account_id, toDate(time)
ORDER BY account_id, toDate(time)
