-- Where sessions came from, by the first event of each, and how many of their users were new.
--
-- A user is new in the session that has their first event ever in this audience (first_times). The user of a session is the last that its events name, so
-- that who logs in within their first session is new there. Users of several sources are counted in each that they came from. Sources are empty where
-- the account's policy keeps URLs out.
CREATE OR REPLACE VIEW traffic_sources{{on_cluster}} AS
SELECT
    entry.traffic_source AS traffic_source,
    entry.utm_source AS utm_source,
    entry.utm_medium AS utm_medium,
    entry.utm_campaign AS utm_campaign,
    entry.referrer_host AS referrer_host,
    count() AS sessions,
    uniqExact(s.person) AS users,
    uniqExactIf(s.person, f.first_time BETWEEN s.started_at AND s.ended_at) AS new_users
FROM
(
    SELECT started_at, ended_at, entry, cityHash64(if(user_id = '', visitor_id, user_id)) AS person
    FROM sessions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
) AS s
INNER JOIN first_times(account = {account:String}, audience = {audience:String}) AS f ON f.person = s.person
GROUP BY traffic_source, utm_source, utm_medium, utm_campaign, referrer_host
ORDER BY sessions DESC, traffic_source, utm_source, utm_medium, utm_campaign, referrer_host
COMMENT 'Sessions, users and new users by where the session''s first event came from: traffic_sources(account=, from=, to=, audience=), days of UTC {{mark}}'
