-- Who an end user is: all that is kept of them, in one row; none of an id that no event names.
--
-- It is of every environment, previews and bots too: a profile is no rate, and whoever asks what is stored of somebody must see all of it. Surroundings are
-- those of the last event, attributes the latest value of each property that was said of them (identify), as JSON. What a visitor did before they
-- logged in is the visitor's own: events_identified knows whose it became.
--
-- Sessions are cut from all that the user did, on whatever machines: what is done on two at once is one session here and two in sessions. The
-- gap is from a session's end to the next one's begin, NULL of one session alone.
CREATE OR REPLACE VIEW end_user_profile{{on_cluster}} AS
SELECT
    user_id,
    p.visitors AS visitors,
    p.companies AS companies,
    p.first_seen AS first_seen,
    p.last_seen AS last_seen,
    length(s.starts) AS sessions,
    if(empty(s.starts), NULL, (arraySum(s.ends) - arraySum(s.starts)) / sessions / 1000) AS seconds_mean,
    (arraySum(s.ends) - arraySum(s.starts)) / 1000 AS seconds_total,
    if(sessions < 2, NULL, (arraySum(s.starts) - s.starts[1] - arraySum(s.ends) + s.ends[-1]) / (sessions - 1) / 1000) AS seconds_between_mean,
    p.latest.country_code AS country_code,
    p.latest.country AS country,
    p.latest.subdivision AS subdivision,
    p.latest.city AS city,
    p.latest.browser AS browser,
    p.latest.browser_version AS browser_version,
    p.latest.os AS os,
    p.latest.device_type AS device_type,
    p.latest.language AS language,
    p.latest.timezone AS timezone,
    p.attributes AS attributes
FROM
(
    SELECT
        user_id,
        uniqExact(visitor_id) AS visitors,
        arraySort(groupUniqArrayIf(toString(company_id), company_id != '')) AS companies,
        min(a.first_seen) AS first_seen,
        max(a.last_seen) AS last_seen,
        max(a.latest) AS latest,
        mapApply((name, value) -> (name, value.2), maxMap(a.attributes)) AS attributes
    FROM end_user_activity AS a
    WHERE account_id = {account:String} AND user_id = {user:String} AND user_id != ''
    GROUP BY user_id
) AS p
LEFT JOIN
(
    SELECT
        user_id,
        arraySort(groupArrayArray([toUnixTimestamp64Milli(a.first_time), toUnixTimestamp64Milli(a.last_time)])) AS times,
        arrayDifference(times) AS rests,
        arrayPushFront(arrayFilter((time, rest) -> rest > 1800000, times, rests), times[1]) AS starts,
        arrayPushBack(arrayFilter((time, rest) -> rest > 1800000, arrayPopBack(times), arrayPopFront(rests)), times[-1]) AS ends
    FROM visitor_activity AS a
    WHERE account_id = {account:String} AND user_id = {user:String}
    GROUP BY user_id
) AS s USING (user_id)
COMMENT 'One end user, in all environments: end_user_profile(account=, user=). First and last seen, sessions and their length in seconds, latest surroundings, attributes with their values as JSON {{mark}}'
