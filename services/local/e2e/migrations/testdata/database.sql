CREATE DATABASE IF NOT EXISTS waymark
ENGINE = Replicated('/clickhouse/databases/{database}', '1', 'r1');

CREATE TABLE IF NOT EXISTS waymark_migrations
(…)
ENGINE = ReplicatedReplacingMergeTree
ORDER BY number
COMMENT 'Which of Waymark''s migrations this database has';

CREATE TABLE IF NOT EXISTS events
(…)
ENGINE = ReplicatedReplacingMergeTree(epoch)
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
ENGINE = ReplicatedReplacingMergeTree
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
(
    SELECT
        *,
        multiIf(
            user_id NOT IN ('', visitor_id), user_id,
            empty(became), user_id,
            time < became[1].1, became[1].2,
            arrayLast(one -> one.1 <= time, became).2
        ) AS direct
    FROM events_live
    LEFT JOIN
    (
        SELECT
            account_id AS claims_account,
            visitor_id AS claims_visitor,
            arrayCompact(one -> one.2, arraySort(groupArray((time, user_id)))) AS became
        FROM identity_claims
        GROUP BY account_id, visitor_id
    ) AS visitors
    ON claims_account = account_id AND claims_visitor = visitor_id
) AS named
LEFT JOIN (SELECT account_id AS alias_account, previous_id AS alias_of, user_id AS leads_to FROM identity_aliases) AS aliases
    ON alias_account = account_id AND alias_of = direct
SETTINGS join_use_nulls = 0
COMMENT 'The events of events_live with resolved_user_id: the user that the event names, or whom its visitor was last by then, or at first became; aliases followed. As exact as events_live and as what clients said: who else used a browser nobody knows [waymarkctl: events_identified …]';
