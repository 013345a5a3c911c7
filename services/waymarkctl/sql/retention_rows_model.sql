-- How many of an account's rows expire at another time than its retention says, of 0 seconds never.
SELECT count()
FROM {table}
WHERE account_id = @account
  AND toInt64(expires) != if(@seconds = 0, 4294967295, least(toInt64(toUnixTimestamp({last})) + @seconds, 4294967295))
