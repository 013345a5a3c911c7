-- What each of the account's own customers does: a row a company, of what is done on behalf of one.
--
-- Users, days, events and last_seen are of the events that name the company, sessions of those whose last user came for it. Plays and completions are those of
-- item_engagement, of all items: interactions by the day and the company of their first event, followed for a day after the span, computed as item_rates does
-- it: the first event's time and the hash of its company as one number.
CREATE OR REPLACE VIEW company_engagement{{on_cluster}} AS
WITH acts AS
(
    {{part "acts"}}
)
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
    SELECT named.company_id, 0, 0, 0, 0, countIf(bitTest(happened, 2)), countIf(bitTest(happened, 3) AND (bitTest(happened, 2) OR NOT of_plays)), NULL
    FROM
    (
        SELECT
            min(bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(first_time)), 64), toUInt128(cityHash64(company_id)))) AS began,
            toUInt64(began) AS company,
            any(item_type IN ('walkthru', 'autoplay')) AS of_plays,
            groupBitOr(a.happened) AS happened
        FROM acts AS a
        GROUP BY interaction
        HAVING toDate(fromUnixTimestamp64Milli(toInt64(bitShiftRight(began, 64)), 'UTC')) BETWEEN {from:Date} AND {to:Date}
    ) AS i
    INNER JOIN (SELECT DISTINCT company_id, cityHash64(company_id) AS company FROM acts WHERE company_id != '') AS named USING (company)
    GROUP BY named.company_id
) AS c
GROUP BY company_id
ORDER BY users DESC, company_id
COMMENT 'Each company''s users, days, sessions, events, plays and completions: company_engagement(account=, from=, to=, audience=), days of UTC. last_seen is NULL where only a session or a play before the span is its {{mark}}'
