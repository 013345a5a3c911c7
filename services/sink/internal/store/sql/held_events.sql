-- Which events of a span the table holds. The span of time prunes table partitions, that of offsets granules.
SELECT
    raw_partition,
    epoch,
    groupArray(raw_offset) AS offsets
FROM events
WHERE raw_partition BETWEEN ? AND ?
  AND raw_offset BETWEEN ? AND ?
  AND time BETWEEN fromUnixTimestamp64Milli(?, 'UTC') AND fromUnixTimestamp64Milli(?, 'UTC')
GROUP BY raw_partition, epoch
