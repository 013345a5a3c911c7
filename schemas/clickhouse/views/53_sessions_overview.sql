-- Each day's sessions, by the day on which they began: how many, whose, how long, how full.
--
-- Users are those of the sessions, the last that a session's events name: someone who logs in within a session is not counted twice. Each day of the span
-- has a row; what is computed of no sessions is NULL. Seconds run from a session's first event to its last: of one event it is 0.
CREATE OR REPLACE VIEW sessions_overview{{on_cluster}} AS
SELECT
    day,
    sum(s.sessions) AS sessions,
    sum(s.users) AS users,
    if(sessions = 0, NULL, sessions / users) AS sessions_per_user,
    any(s.seconds_median) AS seconds_median,
    any(s.seconds_mean) AS seconds_mean,
    if(sessions = 0, NULL, sum(s.events) / sessions) AS events_per_session,
    if(sessions = 0, NULL, sum(s.views) / sessions) AS views_per_session
FROM
(
    SELECT {from:Date} + number AS day, 0 AS sessions, 0 AS users, NULL AS seconds_median, NULL AS seconds_mean, 0 AS events, 0 AS views
    FROM numbers(toUInt64(greatest(0, dateDiff('day', {from:Date}, {to:Date}) + 1)))
    UNION ALL
    SELECT
        toDate(started_at) AS day,
        count() AS sessions,
        uniqExact(cityHash64(if(b.user_id = '', b.visitor_id, b.user_id))) AS users,
        quantileExactInclusive(b.seconds) AS seconds_median,
        avg(b.seconds) AS seconds_mean,
        sum(b.events) AS events,
        sum(b.views) AS views
    FROM sessions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}) AS b
    GROUP BY day
) AS s
GROUP BY day
ORDER BY day
COMMENT 'Each day''s sessions, their users, length in seconds, events and page views: sessions_overview(account=, from=, to=, audience=), days of UTC on which they began, each with a row; NULL where there was none {{mark}}'
