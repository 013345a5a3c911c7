-- How many copies of the history each account has.
SELECT toString(account_id), toUInt32(uniqExact(raw_partition))
FROM events
WHERE raw_topic_id = toUUID(@topic_id)
GROUP BY account_id
