-- Users and events by where they are, what they browse with, or what they look at.
--
-- By country (its code), browser, os, device, language or company it is computed from half hours, of which each has one of these: of several within one, the
-- last by alphabet counts. By city or page it is computed from the events themselves, and takes as long as reading them does. A session's end is no
-- activity and is not counted. An empty value is what is not known. A user is counted under each value that they came with.
--
-- Of the two parts one reads nothing: its condition is false before a row is read.
CREATE OR REPLACE VIEW breakdown{{on_cluster}} AS
SELECT value, uniqExact(b.person) AS users, sum(b.events) AS events
FROM
(
    SELECT
        multiIf(
            {by:String} = 'country', country_code,
            {by:String} = 'browser', browser,
            {by:String} = 'os', os,
            {by:String} = 'device', device_type,
            {by:String} = 'language', language,
            toString(company_id)
        ) AS value,
        cityHash64(if(user_id = '', visitor_id, user_id)) AS person,
        length(a.events) AS events
    FROM
    (
        SELECT *
        FROM visitor_activity FINAL
        WHERE {by:String} NOT IN ('city', 'page')
            AND account_id = {account:String}
            AND toDate(slot) BETWEEN {from:Date} AND {to:Date}
            AND {{part "audience"}}
    ) AS a
    UNION ALL
    SELECT
        value,
        person,
        uniqExact(cityHash64(e.event_id)) AS events
    FROM
    (
        SELECT event_id, if({by:String} = 'city', toString(city), url_path) AS value, cityHash64(if(user_id = '', visitor_id, user_id)) AS person
        FROM events FINAL
        WHERE {by:String} IN ('city', 'page')
            AND account_id = {account:String}
            AND time >= toDateTime64({from:Date}, 3, 'UTC') AND time < toDateTime64({to:Date} + 1, 3, 'UTC')
            AND NOT (item_type = 'session' AND event = 'end')
            AND {{part "audience"}}
    ) AS e
    GROUP BY value, person
) AS b
WHERE (SELECT throwIf({by:String} NOT IN ('country', 'city', 'browser', 'os', 'device', 'page', 'language', 'company'),
    'by: want country, city, browser, os, device, page, language or company')) = 0
GROUP BY value
ORDER BY users DESC, value
COMMENT 'Users and events by country, city, browser, os, device, page, language or company: breakdown(account=, from=, to=, audience=, by=), days of UTC. A user is counted under each value that they came with {{mark}}'
