-- One row a session: what a visitor did without thirty minutes of rest.
--
-- It belongs to the day of its first event and may begin up to a day before midnight or end up to a day after: what goes on for more than a day without a
-- rest is cut. Cut from first and last times of half hours, which is exact, whatever came doubled, late or out of order. A client's own session_id plays
-- no part: a late event may extend a session or join two, which no client knows of. The user is the last one that the session's events name, the
-- surroundings are those of its last half hour.
CREATE OR REPLACE VIEW sessions{{on_cluster}} AS
SELECT
    account_id, visitor_id,
    half_hours[-1].user_id AS user_id,
    half_hours[-1].company_id AS company_id,
    half_hours[1].first_time AS started_at,
    arrayMax(half_hours.last_time) AS ended_at,
    dateDiff('millisecond', started_at, ended_at) / 1000 AS seconds,
    arraySum(half_hours.events) AS events,
    arraySum(half_hours.views) AS views,
    half_hours[1].entry AS entry,
    half_hours[-1].country_code AS country_code,
    half_hours[-1].browser AS browser,
    half_hours[-1].os AS os,
    half_hours[-1].device_type AS device_type,
    half_hours[-1].language AS language
FROM
(
    SELECT account_id, visitor_id, arraySort(groupArray((first_time, last_time, events, views, entry, user_id, company_id, country_code, browser, os, device_type, language)::Tuple(first_time DateTime64(3, 'UTC'), last_time DateTime64(3, 'UTC'), events UInt64, views UInt64, entry Tuple(time DateTime64(3, 'UTC'), traffic_source String, utm_source String, utm_medium String, utm_campaign String, referrer_host String, url_path String), user_id String, company_id String, country_code String, browser String, os String, device_type String, language String))) AS whole
    FROM
    (
        SELECT
            account_id, visitor_id, slot,
            min(a.first_time) AS first_time,
            max(a.last_time) AS last_time,
            length(groupUniqArrayArray(a.events)) AS events,
            length(groupUniqArrayArray(a.views)) AS views,
            min(a.entry) AS entry,
            argMax(a.user_id, (a.last_time, a.user_id)) AS user_id,
            argMax(a.company_id, (a.last_time, a.company_id)) AS company_id,
            max(a.country_code) AS country_code,
            max(a.browser) AS browser,
            max(a.os) AS os,
            max(a.device_type) AS device_type,
            max(a.language) AS language
        FROM
        (
            SELECT *
            FROM visitor_activity
            WHERE account_id = {account:String}
                AND toDate(slot) BETWEEN {from:Date} - 1 AND {to:Date} + 1
                AND {{part "audience"}}
        ) AS a
        GROUP BY account_id, visitor_id, slot
    )
    GROUP BY account_id, visitor_id
)
ARRAY JOIN arraySplit((this, before) -> this.first_time >= before.last_time + toIntervalMinute(30), whole, arrayPushFront(arrayPopBack(whole), whole[1])) AS half_hours
WHERE toDate(started_at) BETWEEN {from:Date} AND {to:Date}
COMMENT 'One row a session: sessions(account=, from=, to=, audience=), days of UTC {{mark}}'
