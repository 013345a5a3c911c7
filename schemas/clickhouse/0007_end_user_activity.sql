-- What is known of one end user under one visitor id: first and last seen, latest surroundings, latest attributes.
--
-- Filled as events are stored (end_user_activity_feed), and as exact as item_activity: see there. What is latest is the greatest tuple that begins
-- with the event's time: a late event changes nothing that is later.
CREATE TABLE IF NOT EXISTS end_user_activity{{on_cluster}}
(
    account_id       LowCardinality(String) COMMENT 'The customer',
    user_id          String                 COMMENT 'The end user; may be personal' CODEC(ZSTD(1)),
    visitor_id       String                 COMMENT 'The anonymous visitor' CODEC(ZSTD(1)),
    company_id       LowCardinality(String) COMMENT 'The end user''s company',
    environment      LowCardinality(String) COMMENT 'Where the page runs, in the account''s words',
    preview          Bool                   COMMENT 'An author''s test play',
    is_bot           Bool                   COMMENT 'A crawler''s or a tool''s',

    first_seen       SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'First event',
    last_seen        SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Last event',
    latest           SimpleAggregateFunction(max, Tuple(time DateTime64(3, 'UTC'), country_code String, country String, subdivision String, city String, browser String, browser_version String, os String, os_version String, device_type String, language String, timezone String)) COMMENT 'Surroundings of the last event',
    attributes       SimpleAggregateFunction(maxMap, Map(String, Tuple(DateTime64(3, 'UTC'), String))) COMMENT 'What was said of the user (identify): each property''s latest value as JSON, and when',
    expires          SimpleAggregateFunction(max, DateTime('UTC'))      COMMENT 'When the last of its events is deleted by the account''s retention'
)
ENGINE = {{engine "AggregatingMergeTree"}}
ORDER BY (account_id, user_id, visitor_id, company_id, environment, preview, is_bot)
TTL expires
SETTINGS
    {{deduplication_window 10000}}
COMMENT 'What is known of one end user under one visitor id; rows of one key may be several: the views group them';
