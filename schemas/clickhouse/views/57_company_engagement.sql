-- What each of the account's own customers does: a row a company, of what is done on behalf of one.
--
-- Users, days, events and last_seen are of the events that name the company, sessions of those whose last user came for it. Plays and completions are those of
-- item_engagement, of all items: interactions by the day and the company of their first event, followed for a day after the span.
CREATE OR REPLACE VIEW company_engagement{{on_cluster}} AS
SELECT
    company_id,
    sum(c.users) AS users,
    sum(c.active_days) AS active_days,
    sum(c.sessions) AS sessions,
    sum(c.events) AS events,
    sum(c.plays) AS plays,
    sum(c.completed) AS completed,
    max(c.last_seen) AS last_seen
FROM
(
    SELECT
        company_id,
        uniqExact(cityHash64(if(user_id = '', visitor_id, user_id))) AS users,
        uniqExact(toDate(slot)) AS active_days,
        0 AS sessions,
        sum(length(a.events)) AS events,
        0 AS plays,
        0 AS completed,
        max(a.last_time)::Nullable(DateTime64(3, 'UTC')) AS last_seen
    FROM
    (
        SELECT *
        FROM visitor_activity FINAL
        WHERE account_id = {account:String}
            AND toDate(slot) BETWEEN {from:Date} AND {to:Date}
            AND company_id != ''
            AND {{part "audience"}}
    ) AS a
    GROUP BY company_id
    UNION ALL
    SELECT company_id, 0, 0, count(), 0, 0, 0, NULL
    FROM sessions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
    WHERE company_id != ''
    GROUP BY company_id
    UNION ALL
    SELECT company, 0, 0, 0, 0, sum(i.played), countIf(i.completed AND (i.played OR item_type NOT IN ('walkthru', 'autoplay'))), NULL
    FROM
    (
        SELECT
            item_type,
            argMin(toString(a.company_id), (a.first_time, a.company_id)) AS company,
            max(a.started_at IS NOT NULL) AS played,
            max(a.completed_at IS NOT NULL) AS completed
        FROM
        (
            SELECT *
            FROM item_activity FINAL
            WHERE account_id = {account:String}
                AND day BETWEEN {from:Date} - 1 AND {to:Date} + 1
                AND {{part "audience"}}
        ) AS a
        GROUP BY item_type, item_id, if(interaction_id = '', cityHash64(visitor_id, user_id, day), cityHash64(interaction_id))
        HAVING toDate(min(a.first_time)) BETWEEN {from:Date} AND {to:Date}
    ) AS i
    WHERE company != ''
    GROUP BY company
) AS c
GROUP BY company_id
ORDER BY users DESC, company_id
COMMENT 'Each company''s users, days, sessions, events, plays and completions: company_engagement(account=, from=, to=, audience=), days of UTC. last_seen is NULL where only a session or a play before the span is its {{mark}}'
