-- What is left to do of the mutations that a salt tells, and why they fail.
SELECT count(), sum(parts_to_do), any(latest_fail_error_code_name)
FROM system.mutations
WHERE database = currentDatabase() AND position(command, @salt) > 0 AND NOT is_done
