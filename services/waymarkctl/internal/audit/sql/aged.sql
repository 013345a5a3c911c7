-- Which of some records a rule of a table's TTL has deleted. The rule's own expressions stand in the place of the words in braces.
--
-- When a row expires by its account's retention, the raw record does not tell: the account's other rows do. Where they differ, since the
-- retention was changed, the longest is sure and the shortest possible; an account without rows is taken to keep them for a year.
WITH kept AS
(
    SELECT account_id, min(toInt64(expires) - toInt64(toDateTime(time))) AS least, max(toInt64(expires) - toInt64(toDateTime(time))) AS most
    FROM events
    WHERE account_id IN (SELECT DISTINCT arrayJoin(@accounts))
    GROUP BY account_id
),
records AS
(
    SELECT
        toInt64(r.1) AS offset,
        toUUID(r.2) AS event_id,
        r.3 AS account_id,
        @region AS region,
        fromUnixTimestamp64Milli(toInt64(r.4), 'UTC') AS received_at,
        fromUnixTimestamp64Milli(toInt64(r.5), 'UTC') AS time,
        fromUnixTimestamp64Milli(toInt64(r.6), 'UTC') AS client_time,
        received_at AS enriched_at,
        received_at AS inserted_at,
        received_at AS failed_at
    FROM (SELECT arrayJoin(arrayZip(@offsets, @ids, @accounts, @received, @times, @own)) AS r)
),
rows AS
(
    SELECT records.*, bound, toDateTime(least(toInt64(toUnixTimestamp(time)) + if(kept.most = 0, 31536000, if(bound = 'sure', kept.most, kept.least)), 4294967295), 'UTC') AS expires
    FROM records LEFT JOIN kept ON kept.account_id = records.account_id
    ARRAY JOIN ['sure', 'possible'] AS bound
)
SELECT offset, toUInt8(countIf(gone AND bound = 'sure') > 0) AS sure, toUInt8(countIf(gone) > 0) AS possible
FROM (SELECT offset, bound, ifNull(toDateTime64({time}, 3) <= now64(3) AND ({condition}), 0) AS gone FROM rows)
GROUP BY offset
