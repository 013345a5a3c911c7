-- Copies of a history under other ids: the same people once more, under other names, up to two hours earlier, in the same order. What belongs together
-- still does: a visitor's sessions, a play's events. A copy's number is its raw partition; 0 are those that were made, and all copies come from them.
INSERT INTO events
SELECT
    s.* EXCEPT (number, person, shift) REPLACE (
        reinterpretAsUUID(sipHash128(s.event_id, number, {account:String})) AS event_id,
        {account:String} AS account_id,
        person AS visitor_id,
        multiIf(s.user_id = '', '', s.user_id = s.visitor_id, person, concat('u-', left(person, 8))) AS user_id,
        if(s.company_id = '', '', concat(s.company_id, '-', toString(number % 40))) AS company_id,
        replaceOne(s.session_id, s.visitor_id, person) AS session_id,
        replaceOne(s.interaction_id, s.visitor_id, person) AS interaction_id,
        s.time - shift AS time,
        s.client_time - shift AS client_time,
        s.received_at - shift AS received_at,
        s.enriched_at - shift AS enriched_at,
        s.inserted_at - shift AS inserted_at,
        toInt32(number) AS raw_partition
    )
FROM
(
    SELECT
        *,
        copy AS number,
        toString(reinterpretAsUUID(sipHash128(visitor_id, copy, {account:String}))) AS person,
        toIntervalSecond(cityHash64(person) % 7200) AS shift
    FROM events
    ARRAY JOIN range({from:UInt32}, {to:UInt32}) AS copy
    WHERE account_id = {seed:String} AND raw_topic_id = {topic:UUID} AND raw_partition = 0
) AS s
