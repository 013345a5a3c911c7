-- One row a session: what a visitor did without more than thirty minutes of rest, as the recorder cuts them.
--
-- It belongs to the day of its first event and is followed for a day after the last one asked for: what goes on without a rest for longer is cut off
-- there. Cut from first and last times of half hours, which is exact, whatever came doubled, late or out of order: two events of one half hour are never
-- apart. A client's own session_id plays no part: a late event may extend a session or join two, which no client knows of. The user is the last one that
-- the session's events name, the surroundings are those of its last half hour. Of an audience such as country:DE only its part of a session is there.
--
-- A visitor's half hours are arrays in one row, each column an array of its own, so that only those are read and sorted that a query asks for. Sorted by
-- whatever time, the half hours of one session lie together, and as many as in any other order: begins marks the first of each, closes the last.
CREATE OR REPLACE VIEW sessions{{on_cluster}} AS
SELECT
    account_id, visitor_id,
    user_of[session] AS user_id,
    company_of[session] AS company_id,
    fromUnixTimestamp64Milli(starts[session], 'UTC') AS started_at,
    fromUnixTimestamp64Milli(ends[session], 'UTC') AS ended_at,
    (ends[session] - starts[session]) / 1000 AS seconds,
    events_of[session] AS events,
    views_of[session] AS views,
    entry_of[session] AS entry,
    country_of[session] AS country_code,
    browser_of[session] AS browser,
    os_of[session] AS os,
    device_of[session] AS device_type,
    language_of[session] AS language
FROM
(
    SELECT
        account_id, visitor_id,
        arraySort(arrayConcat(firsts, lasts)) AS times,
        arrayDifference(times) AS rests,
        arrayPushFront(arrayFilter((time, rest) -> rest > 1800000, times, rests), times[1]) AS starts,
        arrayPushBack(arrayFilter((time, rest) -> rest > 1800000, arrayPopBack(times), arrayPopFront(rests)), times[-1]) AS ends,
        arraySort(firsts) AS in_order,
        arrayMap((time, before) -> time != before AND has(starts, time), in_order, arrayPushFront(arrayPopBack(in_order), 0)) AS begins,
        arrayPushBack(arrayPopFront(begins), 1) AS closes,
        arrayMap(one -> arraySum(one), arraySplit((value, is) -> is, arraySort((value, time) -> time, events, firsts), begins)) AS events_of,
        arrayMap(one -> arraySum(one), arraySplit((value, is) -> is, arraySort((value, time) -> time, views, firsts), begins)) AS views_of,
        arrayFilter((value, is) -> is, arraySort(entries), begins) AS entry_of,
        arrayFilter((value, is) -> is, arraySort((value, time) -> (time, value), users, lasts), closes) AS user_of,
        arrayFilter((value, is) -> is, arraySort((value, time) -> (time, value), companies, lasts), closes) AS company_of,
        arrayFilter((value, is) -> is, arraySort((value, slot) -> (slot, value), countries, slots), closes) AS country_of,
        arrayFilter((value, is) -> is, arraySort((value, slot) -> (slot, value), browsers, slots), closes) AS browser_of,
        arrayFilter((value, is) -> is, arraySort((value, slot) -> (slot, value), systems, slots), closes) AS os_of,
        arrayFilter((value, is) -> is, arraySort((value, slot) -> (slot, value), devices, slots), closes) AS device_of,
        arrayFilter((value, is) -> is, arraySort((value, slot) -> (slot, value), languages, slots), closes) AS language_of
    FROM
    (
        SELECT
            account_id, visitor_id,
            groupArray(toUnixTimestamp64Milli(a.first_time)) AS firsts,
            groupArray(toUnixTimestamp64Milli(a.last_time)) AS lasts,
            groupArray(a.slot) AS slots,
            groupArray(length(a.events)) AS events,
            groupArray(length(a.views)) AS views,
            groupArray(a.entry) AS entries,
            groupArray(a.user_id) AS users,
            groupArray(a.company_id) AS companies,
            groupArray(a.country_code) AS countries,
            groupArray(a.browser) AS browsers,
            groupArray(a.os) AS systems,
            groupArray(a.device_type) AS devices,
            groupArray(a.language) AS languages
        FROM
        (
            SELECT *
            FROM visitor_activity FINAL
            WHERE account_id = {account:String}
                AND toDate(slot) BETWEEN {from:Date} - 1 AND {to:Date} + 1
                -- Only what the half hour before the first day has can go on into it.
                AND slot >= toDateTime({from:Date}, 'UTC') - toIntervalMinute(30)
                AND {{part "audience"}}
        ) AS a
        GROUP BY account_id, visitor_id
    )
)
ARRAY JOIN arrayEnumerate(starts) AS session
WHERE toDate(started_at) BETWEEN {from:Date} AND {to:Date}
COMMENT 'One row a session: sessions(account=, from=, to=, audience=), days of UTC {{mark}}'
