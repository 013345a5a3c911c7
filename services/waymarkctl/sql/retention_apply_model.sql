-- The same of what is computed from events: it expires with the last event that it has.
ALTER TABLE {table}
UPDATE expires = toDateTime(if(@seconds = 0, 4294967295, least(toInt64(toUnixTimestamp({last})) + @seconds, 4294967295)), 'UTC')
WHERE account_id = @account
  AND toInt64(expires) != if(@seconds = 0, 4294967295, least(toInt64(toUnixTimestamp({last})) + @seconds, 4294967295))
SETTINGS mutations_sync = 1
