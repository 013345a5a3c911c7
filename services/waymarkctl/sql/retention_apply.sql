-- The rows of an account expire as its retention says, of 0 seconds never.
ALTER TABLE events
UPDATE expires = toDateTime(if(@seconds = 0, 4294967295, least(toInt64(toUnixTimestamp(time)) + @seconds, 4294967295)), 'UTC')
WHERE account_id = @account
  AND toInt64(expires) != if(@seconds = 0, 4294967295, least(toInt64(toUnixTimestamp(time)) + @seconds, 4294967295))
SETTINGS mutations_sync = 1
