-- Which events of a span the table holds, and how many blocks ago the part they lie in began. Parts are named
-- <partition>_<first block>_<last block>_<level>[_<mutation>], and a merged part begins with its oldest block, so a row may be
-- younger than this says and never older. Mutations count as blocks too, to the same side. The span of time prunes table partitions.
SELECT
    raw_partition,
    epoch,
    (
        SELECT max(max_block_number)
        FROM system.parts
        WHERE database = currentDatabase() AND table = 'events'
    ) - toInt64(splitByChar('_', _part)[2]) AS blocks_ago,
    groupArray(raw_offset) AS offsets
FROM events
WHERE raw_partition BETWEEN ? AND ?
  AND raw_offset BETWEEN ? AND ?
  AND time BETWEEN fromUnixTimestamp64Milli(?, 'UTC') AND fromUnixTimestamp64Milli(?, 'UTC')
GROUP BY raw_partition, epoch, blocks_ago
