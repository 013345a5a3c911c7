-- Which of some records a rule of a table's TTL has deleted. The rule's own expressions stand in the place of the words in braces.
SELECT
    offset,
    toUInt8(ifNull(toDateTime64({time}, 3) <= now64(3) AND ({condition}), 0)) AS deleted
FROM
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
)
