-- One row a record that no stage could use: why, and where it lies. The record itself is not here: its bytes and headers
-- may hold what the account's policy keeps out of ClickHouse (the whole address, names in a URL). It stays on the dead topic,
-- at dead_partition and dead_offset, for as long as that topic is kept.
--
-- The key is the record's own place, so that one that was given up twice, after a crash, is one row after a merge.
CREATE TABLE IF NOT EXISTS dead_events{{on_cluster}}
(
    failed_at      DateTime64(3, 'UTC')   COMMENT 'When the stage gave up' CODEC(DoubleDelta, ZSTD(1)),
    region         LowCardinality(String) COMMENT 'The region',
    account_id     LowCardinality(String) COMMENT 'The account; empty when the record does not say',
    stage          LowCardinality(String) COMMENT 'decode, enrich or insert',
    reason         LowCardinality(String) COMMENT 'Machine-readable: malformed_json, wrong_type, unknown_item_type, …',
    error          String                 COMMENT 'A sentence for people; never quotes the event''s values' CODEC(ZSTD(1)),
    event_id       UUID                   COMMENT 'The event; all zero when the record does not say',
    received_at    DateTime64(3, 'UTC')   COMMENT 'When the edge accepted it; 1970 when the record does not say' CODEC(DoubleDelta, ZSTD(1)),
    topic          LowCardinality(String) COMMENT 'Topic the record failed on',
    topic_id       UUID                   COMMENT 'Id of that topic: one that is made anew has another' CODEC(ZSTD(1)),
    partition      Int32                  COMMENT 'Partition of it',
    leader_epoch   Int32                  COMMENT 'Epoch of the leader that appended the record' CODEC(ZSTD(1)),
    offset         Int64                  COMMENT 'Offset on it' CODEC(DoubleDelta, ZSTD(1)),
    value_bytes    UInt32                 COMMENT 'Length of the record''s value',
    dead_topic_id  UUID                   COMMENT 'Id of the dead topic that keeps the record' CODEC(ZSTD(1)),
    dead_partition Int32                  COMMENT 'Partition of it',
    dead_offset    Int64                  COMMENT 'Offset on it' CODEC(DoubleDelta, ZSTD(1)),
    inserted_at    DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When ClickHouse stored it' CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = {{engine "ReplacingMergeTree"}}
PARTITION BY toYYYYMM(failed_at)
ORDER BY (region, topic, partition, offset, topic_id, leader_epoch)
SETTINGS
    {{deduplication_window 10000}}
COMMENT 'One row a record that no stage could use';
