-- One row an event.
--
-- ORDER BY. Questions name an account and a span of time, mostly an item: the key follows them, coarse to fine, so that one
-- account's day of one item is a few adjacent granules, and columns that change little from row to row compress best. Dashboards
-- filter by the corrected time; the key holds the day by the client's own clock instead, and a minmax index serves the
-- filter. The reason is the last column: a client that repeats an event sends the same account, item, client time and id, so
-- the repetition has the same key and is replaced in a merge. The corrected time may differ by some milliseconds from one
-- delivery to the next and must therefore not be part of the key.
--
-- PARTITION BY month of the corrected time, which the enricher keeps within a week before and a day after its arrival: one insert
-- touches two partitions at most, and whatever time clients claim, partitions do not multiply. Rows of different partitions
-- are never merged: a repetition survives if its corrected time falls into the next month, or until the merge. Count with
-- uniqExact(event_id), or select LIMIT 1 BY event_id, where that matters.
--
-- The engine keeps, of rows with one key, the one with the highest epoch: a deliberate re-enrichment replaces.
--
-- The deduplication window makes a repeated insert of the same block, under its token, harmless: so many blocks, on replicated tables for a week.
-- What stands in double braces is filled in by waymarkctl, as its settings clickhouse.tables say; pkg/clickhouse has what there is.
--
-- props and detail are kept twice: as JSON, of which a query asks one path (props.cart.total) and reads no other, and as the text that was
-- sent, to the last character. JSON has no nulls and no empty objects, 16 digits of a fraction, and no order of names. All paths of a row
-- are shared data (max_dynamic_paths = 0), so that a name costs no file of its own and its values do not depend on the rows they came with,
-- and as the plain map of them (object_shared_data_serialization_version), the cheapest to insert and to merge. docs/decisions/json-columns.md
-- has the figures. A dot inside a name is written %2E: props.`a%2Eb` is the property "a.b", props.a.b the property "b" of "a".
--
-- TTL. Each row says when it expires, since accounts keep theirs for spans of their own; merges delete what is past. A changed retention holds
-- for rows to come, and for those that are there after waymarkctl retention apply.
--
-- LowCardinality where an account has at most some thousands of values: it is read and grouped as integers. DoubleDelta for
-- times and offsets, which rise nearly evenly; ZSTD where the values are long and differ.
CREATE TABLE IF NOT EXISTS events{{on_cluster}}
(
    event_id         UUID                            COMMENT 'The event: the client''s own id or one made by the edge',
    account_id       LowCardinality(String)          COMMENT 'The customer',
    region           LowCardinality(String)          COMMENT 'The data centre the account''s events stay in',
    event            LowCardinality(String)          COMMENT 'What happened: play, step, complete, show, click, …; of a user: identify, group, alias',
    item_type        LowCardinality(String)          COMMENT 'The kind of item: walkthru, launcher, shoutout, smarttip, survey, task, course, resource, menu, search, autoplay, page, session, custom; user, for what is said of one',
    item_id          String                          COMMENT 'The item' CODEC(ZSTD(1)),
    item_name        LowCardinality(String)          COMMENT 'The item''s name when the event happened',
    interaction_id   String                          COMMENT 'One play of the item; all its events share it' CODEC(ZSTD(1)),
    step_id          String                          COMMENT 'The walk-thru''s step' CODEC(ZSTD(1)),
    step_index       Int32                           COMMENT 'Zero-based place of the step; -1 when the event has none',
    step_name        LowCardinality(String)          COMMENT 'The step''s name',
    step_count       UInt32                          COMMENT 'How many steps the walk-thru has; 0 when not known',
    iteration        UInt32                          COMMENT 'Which time this visitor plays the item, from 1; 0 when not known',
    trigger          LowCardinality(String)          COMMENT 'What started the play: launcher, menu, autoplay, url, …',
    dismiss_reason   LowCardinality(String)          COMMENT 'How the visitor got rid of the item: closed, snoozed, clicked_away, navigated, …',
    failure_reason   LowCardinality(String)          COMMENT 'Why the play failed: element_not_found, timed_out, condition, …',
    item_language    LowCardinality(String)          COMMENT 'The item''s own language, BCP 47',
    preview          Bool                            COMMENT 'An author''s test play: leave it out of every rate',
    environment      LowCardinality(String)          COMMENT 'Where the page runs, in the account''s words: production, test, …',

    time             DateTime64(3, 'UTC')            COMMENT 'When it happened, corrected for the client''s clock and clamped: use this one' CODEC(DoubleDelta, ZSTD(1)),
    client_time      DateTime64(3, 'UTC')            COMMENT 'When it happened by the client''s own clock' CODEC(DoubleDelta, ZSTD(1)),
    received_at      DateTime64(3, 'UTC')            COMMENT 'When the edge accepted it' CODEC(DoubleDelta, ZSTD(1)),
    enriched_at      DateTime64(3, 'UTC')            COMMENT 'When the enricher handled it' CODEC(DoubleDelta, ZSTD(1)),
    inserted_at      DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When ClickHouse stored it' CODEC(DoubleDelta, ZSTD(1)),
    time_flag        Enum8('as_sent' = 0, 'corrected' = 1, 'clamped_future' = 2, 'clamped_past' = 3) COMMENT 'What was done to client_time to make time',

    visitor_id       String                          COMMENT 'The anonymous visitor' CODEC(ZSTD(1)),
    user_id          String                          COMMENT 'The end user as the account''s policy identifies them; may be personal. p1.… is a pseudonym under the first key of the account, 64 hexadecimal digits may be a hash' CODEC(ZSTD(1)),
    company_id       LowCardinality(String)          COMMENT 'The end user''s company, as the account identifies it',
    session_id       String                          COMMENT 'The session' CODEC(ZSTD(1)),

    url              String                          COMMENT 'The page, where the account''s policy allows' CODEC(ZSTD(1)),
    url_host         LowCardinality(String)          COMMENT 'Host of url',
    url_path         String                          COMMENT 'Path of url' CODEC(ZSTD(1)),
    page_title       String                          COMMENT 'Title of the page, where the account''s policy allows' CODEC(ZSTD(1)),
    referrer         String                          COMMENT 'The page before, where the account''s policy allows' CODEC(ZSTD(1)),
    referrer_host    LowCardinality(String)          COMMENT 'Host of referrer',
    traffic_source   LowCardinality(String)          COMMENT 'Where the visitor came from: direct, search, social, mail, campaign, referral, internal; empty where the policy keeps URLs out',
    utm_source       LowCardinality(String)          COMMENT 'The campaign''s parameters, of url or as the event names them',
    utm_medium       LowCardinality(String)          COMMENT 'Of url',
    utm_campaign     LowCardinality(String)          COMMENT 'Of url',
    utm_term         LowCardinality(String)          COMMENT 'Of url',
    utm_content      LowCardinality(String)          COMMENT 'Of url',

    browser          LowCardinality(String)          COMMENT 'Browser family',
    browser_version  LowCardinality(String)          COMMENT 'Browser version',
    os               LowCardinality(String)          COMMENT 'Operating system',
    os_version       LowCardinality(String)          COMMENT 'Operating system''s version',
    device_type      LowCardinality(String)          COMMENT 'desktop, mobile, tablet, tv, …; empty when not known',
    device_brand     LowCardinality(String)          COMMENT 'Brand of the device',
    device_model     LowCardinality(String)          COMMENT 'Model of the device',
    is_bot           Bool                            COMMENT 'The user agent is a crawler''s or a tool''s',
    bot_name         LowCardinality(String)          COMMENT 'Which one',
    screen_width     UInt32                          COMMENT 'CSS pixels; 0 when not known',
    screen_height    UInt32                          COMMENT 'CSS pixels; 0 when not known',
    language         LowCardinality(String)          COMMENT 'BCP 47',
    timezone         LowCardinality(String)          COMMENT 'IANA name',

    ip_masked        String                          COMMENT 'Client address without its host part, where the account''s policy keeps one: IPv4 /24, IPv6 /48' CODEC(ZSTD(1)),
    country_code     LowCardinality(String)          COMMENT 'ISO 3166-1 alpha-2; empty when not known',
    country          LowCardinality(String)          COMMENT 'Country in English',
    subdivision      LowCardinality(String)          COMMENT 'State or province',
    city             LowCardinality(String)          COMMENT 'City',
    latitude         Nullable(Float32)               COMMENT 'Degrees, two decimals; NULL when not known, since 0 is a place',
    longitude        Nullable(Float32)               COMMENT 'Degrees, two decimals; NULL when not known',
    asn              UInt32                          COMMENT 'Autonomous system of the address; 0 when not known',
    as_name          LowCardinality(String)          COMMENT 'Its name',

    props            JSON(max_dynamic_paths = 0)     COMMENT 'The account''s own properties of the event, or what it says of a user: props.plan::String, props.cart.total::Float64' CODEC(ZSTD(1)),
    props_text       String                          COMMENT 'The same as it was sent, nulls and all digits included; empty when the event had none' CODEC(ZSTD(1)),
    detail           JSON(max_dynamic_paths = 0)     COMMENT 'What the item''s kind adds: init, goal, lesson, quiz, answers, query, result, …' CODEC(ZSTD(1)),
    detail_text      String                          COMMENT 'The same as it was sent' CODEC(ZSTD(1)),

    library          LowCardinality(String)          COMMENT 'The client that sent the event',
    library_version  LowCardinality(String)          COMMENT 'Its version',

    flags            Array(LowCardinality(String))   COMMENT 'What of the event is not as it was sent: cut:page.title, converted:user.id, …; the codes are cut, shortened, converted, replaced, dropped, no_id, kept_as_text, clamped, redacted, scrubbed, unkeyed',

    raw_topic_id     UUID                            COMMENT 'The raw topic: one that is made anew has another id. With the next three it names the raw record' CODEC(ZSTD(1)),
    raw_partition    Int32                           COMMENT 'Partition of the raw topic' CODEC(ZSTD(1)),
    raw_leader_epoch Int32                           COMMENT 'Epoch of the leader that appended the raw record: after a truncation another record may have its offset' CODEC(ZSTD(1)),
    raw_offset       Int64                           COMMENT 'Offset on the partition' CODEC(DoubleDelta, ZSTD(1)),
    epoch            UInt32                          COMMENT 'Raised by a deliberate re-enrichment' CODEC(ZSTD(1)),
    expires          DateTime('UTC') DEFAULT toDateTime(4294967295, 'UTC') COMMENT 'When the row is deleted, by the retention that the account''s policy had; 2106-02-07 06:28:15 is never' CODEC(DoubleDelta, ZSTD(1)),

    INDEX by_time time TYPE minmax GRANULARITY 1,
    INDEX by_id event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_visitor visitor_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_raw_offset raw_offset TYPE minmax GRANULARITY 1
)
ENGINE = {{engine "ReplacingMergeTree" "epoch"}}
PARTITION BY toYYYYMM(time)
ORDER BY (account_id, toDate(client_time), item_type, item_id, event_id)
TTL expires
SETTINGS
    {{deduplication_window 10000}},
    object_serialization_version = 'v3',
    object_shared_data_serialization_version = 'map',
    object_shared_data_serialization_version_for_zero_level_parts = 'map'
COMMENT 'One row an event';
