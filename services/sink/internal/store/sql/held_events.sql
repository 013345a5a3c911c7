-- Which events of a span the table holds. The span of time prunes table partitions, that of offsets granules. A part's name holds the
-- number of the first insert that went into it: partition_first_last_level.
SELECT
    raw_topic_id,
    raw_partition,
    raw_leader_epoch,
    epoch,
    toInt64OrZero(splitByChar('_', _part)[2]) AS block,
    groupArray(raw_offset) AS offsets
FROM events
WHERE raw_topic_id IN ?
  AND raw_partition BETWEEN ? AND ?
  AND raw_offset BETWEEN ? AND ?
  AND time BETWEEN fromUnixTimestamp64Milli(?, 'UTC') AND fromUnixTimestamp64Milli(?, 'UTC')
GROUP BY raw_topic_id, raw_partition, raw_leader_epoch, epoch, block
