-- Events of an earlier epoch, whose raw records were enriched again. A lightweight delete: it returns when no reader sees them.
DELETE FROM events
WHERE raw_topic_id = ?
  AND raw_partition = ?
  AND raw_leader_epoch = ?
  AND raw_offset BETWEEN ? AND ?
  AND epoch < ?
