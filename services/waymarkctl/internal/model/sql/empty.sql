-- A partition of which no event is left.
ALTER TABLE {table} DROP PARTITION ID '{partition}'
