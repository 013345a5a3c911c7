CREATE DATABASE IF NOT EXISTS waymark;

CREATE TABLE IF NOT EXISTS waymark_migrations
(…)
ENGINE = ReplacingMergeTree
ORDER BY number
COMMENT 'Which of Waymark''s migrations this database has';

CREATE TABLE IF NOT EXISTS events
(…)
ENGINE = ReplacingMergeTree(epoch)
PARTITION BY toYYYYMM(time)
ORDER BY (account_id, toDate(client_time), item_type, item_id, event_id)
TTL expires
SETTINGS
    non_replicated_deduplication_window = 10000,
    object_serialization_version = 'v3',
    object_shared_data_serialization_version = 'map',
    object_shared_data_serialization_version_for_zero_level_parts = 'map'
COMMENT 'One row an event';

CREATE TABLE IF NOT EXISTS dead_events
(…)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(failed_at)
ORDER BY (region, topic, partition, offset, topic_id, leader_epoch)
SETTINGS
    non_replicated_deduplication_window = 10000
COMMENT 'One row a record that no stage could use';

CREATE TABLE IF NOT EXISTS item_activity
(…)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account_id, item_type, item_id, day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot)
TTL expires
SETTINGS
    non_replicated_deduplication_window = 10000
COMMENT 'What one person did with one item, in one interaction, on one day; rows of one key may be several: the views group them';

CREATE MATERIALIZED VIEW IF NOT EXISTS item_activity_feed TO item_activity AS
SELECT
    account_id, item_type, item_id, toDate(time) AS day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot,
    max(e.item_name) AS item_name,
    min(time) AS first_time,
    max(time) AS last_time,
    max(event IN ('play', 'show', 'step', 'open')) AS exposed,
    max(event IN ('click', 'action', 'interact', 'validation_pass', 'validation_fail', 'submit', 'milestone', 'goal', 'complete', 'search', 'lesson_start', 'lesson_complete', 'quiz_start', 'quiz_submit')
        OR (event = 'open' AND item_type IN ('course', 'resource'))) AS interacted,
    max(event IN ('click', 'action')) AS clicked,
    min(if(event = 'play', time, NULL)) AS started_at,
    min(if(event = 'play_failed', time, NULL)) AS failed_at,
    min(if(event = 'milestone', time, NULL)) AS milestone_at,
    min(if(event = 'goal', time, NULL)) AS goal_at,
    min(if(event = 'complete', time, NULL)) AS completed_at,
    min(if(event = 'stop', time, NULL)) AS stopped_at,
    min(if(event IN ('close', 'snooze', 'dismiss'), time, NULL)) AS dismissed_at,
    min(if(event = 'submit', time, NULL)) AS submitted_at,
    minMap(if(event = 'step', map(step_index, time), map())) AS steps,
    maxMap(if(event = 'step', map(step_index, toString(step_name)), map())) AS step_names,
    max(e.step_count) AS step_count,
    max(e.iteration) AS iteration,
    max(e.trigger) AS trigger,
    max(e.dismiss_reason) AS dismiss_reason,
    max(e.failure_reason) AS failure_reason,
    max(e.country_code) AS country_code,
    max(e.browser) AS browser,
    max(e.os) AS os,
    max(e.device_type) AS device_type,
    max(e.language) AS language,
    max(e.expires) AS expires
FROM events AS e
WHERE item_type NOT IN ('page', 'session', 'user', 'custom')
GROUP BY account_id, item_type, item_id, day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot;

CREATE TABLE IF NOT EXISTS visitor_activity
(…)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(slot)
ORDER BY (account_id, toDate(slot), visitor_id, user_id, slot, company_id, environment, preview, is_bot)
TTL expires
SETTINGS
    non_replicated_deduplication_window = 10000
COMMENT 'What one visitor did in one half hour; rows of one key may be several: the views group them';

CREATE MATERIALIZED VIEW IF NOT EXISTS visitor_activity_feed TO visitor_activity AS
SELECT
    account_id, toStartOfInterval(time, INTERVAL 30 MINUTE) AS slot, visitor_id, user_id, company_id, environment, preview, is_bot,
    min(time) AS first_time,
    max(time) AS last_time,
    groupUniqArray(toUInt32(cityHash64(event_id))) AS events,
    groupUniqArrayArray(if(item_type = 'page', [toUInt32(cityHash64(event_id))], [])) AS views,
    min((time, toString(traffic_source), toString(utm_source), toString(utm_medium), toString(utm_campaign), toString(referrer_host), url_path)) AS entry,
    max(e.country_code) AS country_code,
    max(e.browser) AS browser,
    max(e.os) AS os,
    max(e.device_type) AS device_type,
    max(e.language) AS language,
    max(e.expires) AS expires
FROM events AS e
WHERE NOT (item_type = 'session' AND event = 'end')
GROUP BY account_id, slot, visitor_id, user_id, company_id, environment, preview, is_bot;

CREATE TABLE IF NOT EXISTS end_user_activity
(…)
ENGINE = AggregatingMergeTree
ORDER BY (account_id, user_id, visitor_id, company_id, environment, preview, is_bot)
TTL expires
SETTINGS
    non_replicated_deduplication_window = 10000
COMMENT 'What is known of one end user under one visitor id; rows of one key may be several: the views group them';

CREATE MATERIALIZED VIEW IF NOT EXISTS end_user_activity_feed TO end_user_activity AS
SELECT
    account_id, user_id, visitor_id, company_id, environment, preview, is_bot,
    min(time) AS first_seen,
    max(time) AS last_seen,
    max((time, toString(country_code), toString(country), toString(subdivision), toString(city), toString(browser), toString(browser_version), toString(os), toString(os_version), toString(device_type), toString(language), toString(timezone))) AS latest,
    maxMap(if(item_type = 'user' AND event = 'identify', mapFromArrays(JSONExtractKeysAndValuesRaw(props_text).1, arrayMap(value -> (time, value), JSONExtractKeysAndValuesRaw(props_text).2)), map())) AS attributes,
    max(e.expires) AS expires
FROM events AS e
WHERE 1
GROUP BY account_id, user_id, visitor_id, company_id, environment, preview, is_bot;

CREATE OR REPLACE VIEW events_live AS
SELECT *
FROM events FINAL
WHERE environment IN ('production', '')
    AND NOT preview
    AND NOT is_bot
COMMENT 'Events of production without previews and bots, each once: of rows of one account, item, day and event id only the latest; the same id on two days or items remains twice [waymarkctl: events_live …]';

CREATE OR REPLACE VIEW identity_renames AS
SELECT account_id, previous_id, user_id, time
FROM
(…)
WHERE previous_id NOT IN ('', user_id)
COMMENT 'Each alias: an earlier id, a visitor''s or a user''s, and the user that it is. As exact as what clients said; there are none where the account''s identification is hashed or pseudonymised, since ids in texts are not stored [waymarkctl: identity_renames …]';

CREATE OR REPLACE VIEW identity_claims AS
SELECT account_id, visitor_id, user_id, time
FROM events FINAL
WHERE user_id NOT IN ('', visitor_id)
UNION ALL
SELECT account_id, previous_id AS visitor_id, user_id, time
FROM identity_renames
COMMENT 'Each event that says who a visitor is; of an alias, visitor_id is the earlier id. As exact as what clients said: of all environments, previews and bots too [waymarkctl: identity_claims …]';

CREATE OR REPLACE VIEW identity_links AS
SELECT account_id, visitor_id, user_id, min(time) AS first_seen, max(time) AS last_seen
FROM identity_claims
GROUP BY account_id, visitor_id, user_id
COMMENT 'Each visitor with each user that events name together, first and last; of an alias, visitor_id is the earlier id, a visitor''s or a user''s. Doubles and late events change nothing but the times; as exact as what clients said [waymarkctl: identity_links …]';

CREATE OR REPLACE VIEW identity_aliases AS
WITH RECURSIVE
    step AS
    (
        SELECT account_id AS account, previous_id AS id, max((time, user_id)) AS latest
        FROM identity_renames
        GROUP BY account_id, previous_id
    ),
    walk AS
    (
        SELECT account, id AS start, [latest] AS path
        FROM step
        UNION ALL
        SELECT walk.account, walk.start, arrayPushBack(walk.path, step.latest) AS path
        FROM walk
        INNER JOIN step ON step.account = walk.account AND step.id = walk.path[-1].2
        WHERE length(walk.path) < 32 AND NOT has(walk.path.2, step.latest.2)
    )
SELECT
    whole.account AS account_id,
    whole.start AS previous_id,
    -- A next step that leads back closes a circle, of which the walk to its first id is no part.
    if(
        has(whole.path.2, next.latest.2),
        arrayMax(arrayPushBack(arraySlice(whole.path, indexOf(whole.path.2, next.latest.2) + 1), next.latest)).2,
        whole.path[-1].2
    ) AS user_id,
    whole.path[1].1 AS aliased_at
FROM (SELECT account, start, argMax(path, length(path)) AS path FROM walk GROUP BY account, start) AS whole
LEFT JOIN step AS next ON next.account = whole.account AND next.id = whole.path[-1].2
WHERE user_id != previous_id
COMMENT 'Each id that aliases took out of use, and the user that the latest of them lead to, along 32 of them at most. As exact as what clients said [waymarkctl: identity_aliases …]';

CREATE OR REPLACE VIEW events_identified AS
SELECT * EXCEPT (claims_account, claims_visitor, became, alias_account, alias_of, leads_to, direct), if(leads_to != '', leads_to, direct) AS resolved_user_id
FROM
(…)
ARRAY JOIN arraySplit((this, before) -> this.first_time >= before.last_time + toIntervalMinute(30), whole, arrayPushFront(arrayPopBack(whole), whole[1])) AS half_hours
WHERE toDate(started_at) BETWEEN {from:Date} AND {to:Date}
COMMENT 'One row a session: sessions(account=, from=, to=, audience=), days of UTC [waymarkctl: sessions …]';
