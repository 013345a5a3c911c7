-- Events of an earlier epoch, whose raw offsets were enriched again. A lightweight delete: it returns when no reader sees them.
DELETE FROM events
WHERE raw_partition = ?
  AND raw_offset BETWEEN ? AND ?
  AND epoch < ?
