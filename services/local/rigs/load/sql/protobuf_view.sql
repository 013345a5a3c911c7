-- The same conversions that the sink makes, but for names of properties with dots in them.
CREATE MATERIALIZED VIEW enriched_view TO events AS
SELECT * EXCEPT (props, detail) REPLACE (
    toUUID(UUIDNumToString(toFixedString(event_id, 16))) AS event_id,
    toUUID(UUIDNumToString(toFixedString(raw_topic_id, 16))) AS raw_topic_id,
    fromUnixTimestamp64Milli(time, 'UTC') AS time,
    fromUnixTimestamp64Milli(client_time, 'UTC') AS client_time,
    fromUnixTimestamp64Milli(received_at, 'UTC') AS received_at,
    fromUnixTimestamp64Milli(enriched_at, 'UTC') AS enriched_at,
    CAST(time_flag, 'Int8') AS time_flag,
    if(expires = 0, toDateTime(4294967295, 'UTC'), toDateTime(intDiv(expires, 1000), 'UTC')) AS expires
),
    if(q.props = '', '{}', q.props) AS props, q.props AS props_text,
    if(q.detail = '', '{}', q.detail) AS detail, q.detail AS detail_text
FROM enriched_queue AS q
