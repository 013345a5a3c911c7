-- The events of a range, of several rows of one the one that counts. UUIDs are text, which everything reads; props and detail are left out, since
-- props_text and detail_text have the same to the last character.
SELECT * EXCEPT (props, detail) REPLACE (toString(event_id) AS event_id, toString(raw_topic_id) AS raw_topic_id)
FROM
(
    SELECT *
    FROM events FINAL
    WHERE raw_topic_id = {topic_id:UUID} AND raw_partition = {partition:Int32} AND raw_leader_epoch = {leader_epoch:Int32}
        AND raw_offset >= {from:Int64} AND raw_offset < {to:Int64}
)
