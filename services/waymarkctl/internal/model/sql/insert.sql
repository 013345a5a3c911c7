-- Rows of a table of the model, made from events. They may be there already, and may be the same bytes as some that were deleted, which the
-- table's deduplication window would take for doubles. What grouping needs beyond so many bytes goes to disk.
INSERT INTO {table}
SETTINGS insert_deduplicate = 0, max_bytes_before_external_group_by = 536870912
{rows}
