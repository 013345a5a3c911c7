CREATE DATABASE IF NOT EXISTS waymark;

CREATE TABLE IF NOT EXISTS waymark_migrations
(…)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY number
COMMENT 'Which of Waymark''s migrations this database has';

CREATE TABLE IF NOT EXISTS events
(…)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}', epoch)
PARTITION BY toYYYYMM(time)
ORDER BY (account_id, toDate(client_time), item_type, item_id, event_id)
TTL expires
SETTINGS
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800,
    object_serialization_version = 'v3',
    object_shared_data_serialization_version = 'map',
    object_shared_data_serialization_version_for_zero_level_parts = 'map'
COMMENT 'One row an event';

CREATE TABLE IF NOT EXISTS dead_events
(…)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(failed_at)
ORDER BY (region, topic, partition, offset, topic_id, leader_epoch)
SETTINGS
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800
COMMENT 'One row a record that no stage could use';

CREATE OR REPLACE VIEW events_live AS
SELECT *
FROM events FINAL
WHERE environment IN ('production', '')
    AND NOT preview
    AND NOT is_bot
COMMENT 'Events of production without previews and bots, each once: of rows of one account, item, day and event id only the latest; the same id on two days or items remains twice [waymarkctl: events_live …]';
