-- One row a migration that this database has; several where setup ran twice at once.
CREATE TABLE IF NOT EXISTS waymark_migrations{{on_cluster}}
(
    number     UInt32               COMMENT 'Number of the migration',
    name       String               COMMENT 'Its name',
    checksum   String               COMMENT 'SHA-256 of its file, before parameters are filled in: an applied migration must not be edited',
    applied_at DateTime64(3, 'UTC') COMMENT 'When it was applied'
)
ENGINE = {{engine "ReplacingMergeTree"}}
ORDER BY number
COMMENT 'Which of Waymark''s migrations this database has'
