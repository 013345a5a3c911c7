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

CREATE TABLE IF NOT EXISTS item_activity
(…)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(day)
ORDER BY (account_id, item_type, item_id, day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot)
TTL expires
SETTINGS
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800
COMMENT 'What one person did with one item, in one interaction, on one day; rows of one key may be several: the views group them';

CREATE MATERIALIZED VIEW IF NOT EXISTS item_activity_feed TO item_activity AS
…;

CREATE TABLE IF NOT EXISTS visitor_activity
(…)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
PARTITION BY toYYYYMM(slot)
ORDER BY (account_id, toDate(slot), visitor_id, user_id, slot, company_id, environment, preview, is_bot)
TTL expires
SETTINGS
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800
COMMENT 'What one visitor did in one half hour; rows of one key may be several: the views group them';

CREATE MATERIALIZED VIEW IF NOT EXISTS visitor_activity_feed TO visitor_activity AS
…;

CREATE TABLE IF NOT EXISTS end_user_activity
(…)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')
ORDER BY (account_id, user_id, visitor_id, company_id, environment, preview, is_bot)
TTL expires
SETTINGS
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 604800
COMMENT 'What is known of one end user under one visitor id; rows of one key may be several: the views group them';

CREATE MATERIALIZED VIEW IF NOT EXISTS end_user_activity_feed TO end_user_activity AS
…;

ALTER TABLE item_activity
    ADD COLUMN IF NOT EXISTS item        UInt64 MATERIALIZED cityHash64(item_type, item_id)
        COMMENT 'Hash of the item',
    ADD COLUMN IF NOT EXISTS person      UInt64 MATERIALIZED cityHash64(if(user_id = '', visitor_id, user_id))
        COMMENT 'Hash of the user, of the visitor where there is none',
    ADD COLUMN IF NOT EXISTS interaction UInt64 MATERIALIZED if(interaction_id = '', cityHash64(item_type, item_id, visitor_id, user_id, day), cityHash64(item_type, item_id, interaction_id))
        COMMENT 'Hash of the interaction and its item; where events name none, of the person, the item and the day',
    ADD COLUMN IF NOT EXISTS happened    SimpleAggregateFunction(groupBitOr, UInt16) MATERIALIZED exposed + 2 * interacted + 4 * isNotNull(started_at) + 8 * isNotNull(completed_at)
            + 16 * isNotNull(milestone_at) + 32 * isNotNull(goal_at) + 64 * isNotNull(failed_at) + 128 * isNotNull(stopped_at) + 256 * isNotNull(dismissed_at)
        COMMENT 'Bits of what happened, from the lowest: exposed, interacted, started, completed, milestone, goal, failed, stopped, dismissed',
    ADD COLUMN IF NOT EXISTS first_step  SimpleAggregateFunction(min, Int32) MATERIALIZED if(empty(steps), 2147483647, arrayMin(mapKeys(steps)))
        COMMENT 'Lowest place of a step that was shown; 2147483647 when there is none',
    ADD COLUMN IF NOT EXISTS last_step   SimpleAggregateFunction(max, Int32) MATERIALIZED if(empty(steps), -2147483648, arrayMax(mapKeys(steps)))
        COMMENT 'Highest place of a step that was shown; -2147483648 when there is none';

ALTER TABLE item_activity
    MATERIALIZE COLUMN item,
    MATERIALIZE COLUMN person,
    MATERIALIZE COLUMN interaction,
    MATERIALIZE COLUMN happened,
    MATERIALIZE COLUMN first_step,
    MATERIALIZE COLUMN last_step
SETTINGS mutations_sync = 2;

ALTER TABLE visitor_activity
    ADD COLUMN IF NOT EXISTS person UInt64 MATERIALIZED cityHash64(if(user_id = '', visitor_id, user_id))
        COMMENT 'Hash of the user, of the visitor where there is none';

ALTER TABLE visitor_activity
    MATERIALIZE COLUMN person
SETTINGS mutations_sync = 2;

ALTER TABLE events
    MODIFY SETTING merge_selector_base = 12;

CREATE OR REPLACE VIEW events_live AS
…
COMMENT 'Events of production without previews and bots, each once: of rows of one account, item, day and event id only the latest; the same id on two days or items remains twice [waymarkctl: events_live …]';

CREATE OR REPLACE VIEW identity_renames AS
…
COMMENT 'Each alias: an earlier id, a visitor''s or a user''s, and the user that it is. As exact as what clients said; there are none where the account''s identification is hashed or pseudonymised, since ids in texts are not stored [waymarkctl: identity_renames …]';

CREATE OR REPLACE VIEW identity_claims AS
…
COMMENT 'Each event that says who a visitor is; of an alias, visitor_id is the earlier id. As exact as what clients said: of all environments, previews and bots too [waymarkctl: identity_claims …]';

CREATE OR REPLACE VIEW identity_links AS
…
COMMENT 'Each visitor with each user that events name together, first and last; of an alias, visitor_id is the earlier id, a visitor''s or a user''s. Doubles and late events change nothing but the times; as exact as what clients said [waymarkctl: identity_links …]';

CREATE OR REPLACE VIEW identity_aliases AS
…
COMMENT 'Each id that aliases took out of use, and the user that the latest of them lead to, along 32 of them at most. As exact as what clients said [waymarkctl: identity_aliases …]';

CREATE OR REPLACE VIEW events_identified AS
…
COMMENT 'The events of events_live with resolved_user_id: the user that the event names, or whom its visitor was last by then, or at first became; aliases followed. As exact as events_live and as what clients said: who else used a browser nobody knows [waymarkctl: events_identified …]';

CREATE OR REPLACE VIEW interactions AS
…
COMMENT 'One row an interaction: interactions(account=, from=, to=, audience=, item=), days of UTC, item empty for all [waymarkctl: interactions …]';

CREATE OR REPLACE VIEW sessions AS
…
COMMENT 'One row a session: sessions(account=, from=, to=, audience=), days of UTC [waymarkctl: sessions …]';

CREATE OR REPLACE VIEW half_hours AS
…
COMMENT 'Each half hour in which somebody was active, and who, once or more often: half_hours(account=, from=, to=, audience=), days of UTC. person is cityHash64 of the user''s id [waymarkctl: half_hours …]';

CREATE OR REPLACE VIEW item_rates AS
…
COMMENT 'Each item''s users, plays and rates: item_rates(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact, doubles and late events included; a rate of nobody is NULL [waymarkctl: item_rates …]';

CREATE OR REPLACE VIEW walkthru_funnel AS
…
COMMENT 'Each step of a walk-thru, the plays that reached it and those that ended there: walkthru_funnel(account=, from=, to=, audience=, item=), days of UTC. Exact, doubles and late events included; times are between first showings [waymarkctl: walkthru_funnel …]';

CREATE OR REPLACE VIEW walkthru_completion AS
…
COMMENT 'Each day''s plays of a walk-thru, or of all: walkthru_completion(account=, from=, to=, audience=, item=), days of UTC on which plays began; a day without any is not there. Exact, doubles and late events included [waymarkctl: walkthru_completion …]';

CREATE OR REPLACE VIEW failure_reasons AS
…
COMMENT 'Each item\'\'s failed plays by reason, and the reason\'\'s share of them: failure_reasons(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact, doubles and late events included [waymarkctl: failure_reasons …]';

CREATE OR REPLACE VIEW goal_rate AS
…
COMMENT 'Players of each walk-thru and how many of them reached its milestones and its goal: goal_rate(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact, doubles and late events included [waymarkctl: goal_rate …]';

CREATE OR REPLACE VIEW time_to_complete AS
…
COMMENT 'Seconds from play to completion of each walk-thru: time_to_complete(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact to the millisecond, doubles and late events included; plays completed before they began, by their clocks, are left out [waymarkctl: time_to_complete …]';

CREATE OR REPLACE VIEW task_progress AS
…
COMMENT 'Each task''s users who clicked and completed it, and who did without a click: task_progress(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included [waymarkctl: task_progress …]';

CREATE OR REPLACE VIEW tasks_done AS
…
COMMENT 'Users by how many different tasks they completed, and whether that is all: tasks_done(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included [waymarkctl: tasks_done …]';

CREATE OR REPLACE VIEW course_progress AS
…
COMMENT 'Each course''s users: who opened it, began a lesson, and completed it: course_progress(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included [waymarkctl: course_progress …]';

CREATE OR REPLACE VIEW course_lessons AS
…
COMMENT 'Each lesson''s users who began and who completed it: course_lessons(account=, from=, to=, audience=, item=), days of UTC, item empty for all courses. Exact, doubles and late events included [waymarkctl: course_lessons …]';

CREATE OR REPLACE VIEW quiz_results AS
…
COMMENT 'Each quiz''s takers, submissions, pass rate and scores: quiz_results(account=, from=, to=, audience=, item=), days of UTC, item empty for all courses. Exact, doubles and late events included [waymarkctl: quiz_results …]';

CREATE OR REPLACE VIEW survey_results AS
…
COMMENT 'Each question''s answers, how often each was given, and its share: survey_results(account=, from=, to=, audience=, item=), days of UTC, item empty for all surveys. Exact, doubles and late events included [waymarkctl: survey_results …]';

CREATE OR REPLACE VIEW survey_nps AS
…
COMMENT 'Net promoter score of each question answered with numbers from 0 to 10: survey_nps(account=, from=, to=, audience=, item=), days of UTC, item empty for all surveys. Exact, doubles and late events included [waymarkctl: survey_nps …]';

CREATE OR REPLACE VIEW search_without_result AS
…
COMMENT 'Each query that found nothing, how often and by how many: search_without_result(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included [waymarkctl: search_without_result …]';

CREATE OR REPLACE VIEW item_compare AS
…
COMMENT 'An item''s counts and rates beside those of another span or audience: item_compare(account=, item=, from=, to=, audience=, other_from=, other_to=, other_audience=), days of UTC. As exact as item_engagement [waymarkctl: item_compare …]';

CREATE OR REPLACE VIEW guide_effect AS
…
COMMENT 'New users who took a guide and who did not, and how many of each reached a goal: guide_effect(account=, from=, to=, audience=, item=, goal=), days of UTC. Exact, doubles and late events included; a comparison, not a cause [waymarkctl: guide_effect …]';

CREATE OR REPLACE VIEW item_days AS
…
COMMENT 'Each account''s items by day of UTC, production without previews and bots: users, plays and what became of them, by the day on which each happened. Exact, doubles and late events included; users of several days do not add up [waymarkctl: item_days …]';

CREATE OR REPLACE VIEW item_engagement AS
…
COMMENT 'Each item''s users, plays and rates: item_engagement(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included; a rate of nobody is NULL [waymarkctl: item_engagement …]';

CREATE OR REPLACE VIEW first_times AS
…
COMMENT 'Each user (cityHash64 of the id) and their first event ever: first_times(account=, audience=) [waymarkctl: first_times …]';

CREATE OR REPLACE VIEW active_users AS
…
COMMENT 'Users a day (dau), in the 7 days up to it (wau) and in the 30 (mau), and stickiness (dau / mau): active_users(account=, from=, to=, audience=), days of UTC, each with a row [waymarkctl: active_users …]';

CREATE OR REPLACE VIEW retention AS
…
COMMENT 'Of the users first seen in each week (from Monday) of the span, how many came in each week since: retention(account=, from=, to=, audience=), days of UTC. cohort_users are those of week 0, rate is users / cohort_users [waymarkctl: retention …]';

CREATE OR REPLACE VIEW sessions_overview AS
…
COMMENT 'Each day''s sessions, their users, length in seconds, events and page views: sessions_overview(account=, from=, to=, audience=), days of UTC on which they began, each with a row; NULL where there was none [waymarkctl: sessions_overview …]';

CREATE OR REPLACE VIEW new_vs_returning AS
…
COMMENT 'Each day''s users who came for the first time ever in this audience, and those who had come before: new_vs_returning(account=, from=, to=, audience=), days of UTC, each with a row [waymarkctl: new_vs_returning …]';

CREATE OR REPLACE VIEW traffic_sources AS
…
COMMENT 'Sessions, users and new users by where the session''s first event came from: traffic_sources(account=, from=, to=, audience=), days of UTC [waymarkctl: traffic_sources …]';

CREATE OR REPLACE VIEW breakdown AS
…
COMMENT 'Users and events by country, city, browser, os, device, page, language or company: breakdown(account=, from=, to=, audience=, by=), days of UTC. A user is counted under each value that they came with [waymarkctl: breakdown …]';

CREATE OR REPLACE VIEW company_engagement AS
…
COMMENT 'Each company''s users, days, sessions, events, plays and completions: company_engagement(account=, from=, to=, audience=), days of UTC. last_seen is NULL where only a session or a play before the span is its [waymarkctl: company_engagement …]';

CREATE OR REPLACE VIEW end_user_profile AS
…
COMMENT 'One end user, in all environments: end_user_profile(account=, user=). First and last seen, sessions and their length in seconds, latest surroundings, attributes with their values as JSON [waymarkctl: end_user_profile …]';

CREATE OR REPLACE VIEW end_user_timeline AS
…
COMMENT 'An end user''s events in their order: end_user_timeline(account=, user=, from=, to=), days of UTC, all environments [waymarkctl: end_user_timeline …]';

CREATE OR REPLACE VIEW data_quality AS
…
COMMENT 'What of the events is not as one would wish, by check and detail: data_quality(account=, from=, to=), days of UTC. The check events has all of them [waymarkctl: data_quality …]';

CREATE OR REPLACE VIEW freshness AS
…
COMMENT 'Seconds from the edge to the enricher''s end and to the table, by the minute of storing: freshness(account=, from=, to=), days of UTC [waymarkctl: freshness …]';

CREATE OR REPLACE VIEW end_users AS
…
COMMENT 'One row an end user, of production without previews and bots: first and last seen, visitors, companies, latest surroundings, attributes with their values as JSON [waymarkctl: end_users …]';

CREATE OR REPLACE VIEW companies AS
…
COMMENT 'One row a company, of production without previews and bots: users, visitors, first and last seen [waymarkctl: companies …]';
