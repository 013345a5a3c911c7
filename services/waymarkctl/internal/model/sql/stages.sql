-- Tables in which a rebuild makes rows anew, and whether one is so old that its command is gone.
SELECT name, toUInt8(metadata_modification_time < now() - INTERVAL 1 DAY)
FROM system.tables
WHERE database = currentDatabase() AND match(name, '^(item|visitor|end_user)_activity_anew_[0-9a-f]{8}$')
ORDER BY name
