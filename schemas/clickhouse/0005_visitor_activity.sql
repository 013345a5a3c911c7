-- What one visitor did in one half hour: what sessions, active users and sources are computed from.
--
-- Two events of one half hour are never thirty minutes apart, so that first and last time of each are all that it takes to cut a visitor's time into
-- sessions, exactly, whatever comes late and joins two of them. Filled as events are stored (visitor_activity_feed), and as exact as item_activity:
-- see there. Events are counted by hashes of 32 bits of their ids, so that a double counts once; two of a hundred in one half hour are mistaken
-- for one once in a million half hours.
--
-- A session's end (item_type session, event end) is told after its last activity, and is none.
CREATE TABLE IF NOT EXISTS visitor_activity{{on_cluster}}
(
    account_id       LowCardinality(String) COMMENT 'The customer',
    slot             DateTime('UTC')        COMMENT 'Begin of the half hour' CODEC(DoubleDelta, ZSTD(1)),
    visitor_id       String                 COMMENT 'The anonymous visitor' CODEC(ZSTD(1)),
    user_id          String                 COMMENT 'The end user; may be personal' CODEC(ZSTD(1)),
    company_id       LowCardinality(String) COMMENT 'The end user''s company',
    environment      LowCardinality(String) COMMENT 'Where the page runs, in the account''s words',
    preview          Bool                   COMMENT 'An author''s test play',
    is_bot           Bool                   COMMENT 'A crawler''s or a tool''s',

    first_time       SimpleAggregateFunction(min, DateTime64(3, 'UTC'))           COMMENT 'First event',
    last_time        SimpleAggregateFunction(max, DateTime64(3, 'UTC'))           COMMENT 'Last event',
    events           SimpleAggregateFunction(groupUniqArrayArray, Array(UInt32))  COMMENT 'Hashes of the events'' ids: length counts them',
    views            SimpleAggregateFunction(groupUniqArrayArray, Array(UInt32))  COMMENT 'The same of page views',
    entry            SimpleAggregateFunction(min, Tuple(time DateTime64(3, 'UTC'), traffic_source String, utm_source String, utm_medium String, utm_campaign String, referrer_host String, url_path String)) COMMENT 'Of the first event: where the visitor came from, and where they came to',
    country_code     SimpleAggregateFunction(max, String)                         COMMENT 'ISO 3166-1 alpha-2; empty when not known; of several, the last by alphabet, as in what follows',
    browser          SimpleAggregateFunction(max, String)                         COMMENT 'Browser family',
    os               SimpleAggregateFunction(max, String)                         COMMENT 'Operating system',
    device_type      SimpleAggregateFunction(max, String)                         COMMENT 'desktop, mobile, tablet, tv, …',
    language         SimpleAggregateFunction(max, String)                         COMMENT 'BCP 47',
    expires          SimpleAggregateFunction(max, DateTime('UTC'))                COMMENT 'When the last of its events is deleted by the account''s retention',

    INDEX by_user user_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {{engine "AggregatingMergeTree"}}
PARTITION BY toYYYYMM(slot)
ORDER BY (account_id, toDate(slot), visitor_id, user_id, slot, company_id, environment, preview, is_bot)
TTL expires
SETTINGS
    {{deduplication_window 10000}}
COMMENT 'What one visitor did in one half hour; rows of one key may be several: the views group them';
