-- What of an account's events is not as one would wish, and how many there are.
--
-- The row events has all of the span, of which the others are parts; an event can be in several. late are those that came more than an hour after they
-- happened, double those that are stored again under another day or item and are counted twice by what reads raw events (uniqExact(event_id) does
-- not), flag those of which a value is not as it was sent. Dead letters are no part of events, counted by the day on which they were given up, each place
-- of a topic once; those that no account is known of are nobody's.
CREATE OR REPLACE VIEW data_quality{{on_cluster}} AS
SELECT check, detail, events
FROM
(
    SELECT 'dead_letter' AS check, toString(reason) AS detail, uniqExact((topic_id, partition, leader_epoch, offset)) AS events
    FROM dead_events
    WHERE account_id = {account:String}
        AND failed_at >= toDateTime64({from:Date}, 3, 'UTC') AND failed_at < toDateTime64({to:Date} + 1, 3, 'UTC')
    GROUP BY detail
    UNION ALL
    SELECT found.1 AS check, found.2 AS detail, found.3 AS events
    FROM
    (
        SELECT arrayConcat(
            [
                ('events', '', count()),
                ('clamped_time', 'clamped_future', countIf(time_flag = 'clamped_future')),
                ('clamped_time', 'clamped_past', countIf(time_flag = 'clamped_past')),
                ('preview', '', countIf(preview)),
                ('late', '', countIf(received_at > time + toIntervalHour(1))),
                ('double', '', toUInt64(count() - uniqExact(cityHash64(event_id))))
            ],
            arrayMap((name, n) -> ('bot', name, n), (sumMapIf([toString(bot_name)], [toUInt64(1)], is_bot) AS bots).1, bots.2),
            arrayMap((code, n) -> ('flag', code, n), (sumMap(arrayDistinct(flags)::Array(String), arrayMap(code -> toUInt64(1), arrayDistinct(flags))) AS marked).1, marked.2)
        ) AS checks
        FROM events FINAL
        WHERE account_id = {account:String}
            AND time >= toDateTime64({from:Date}, 3, 'UTC') AND time < toDateTime64({to:Date} + 1, 3, 'UTC')
    )
    ARRAY JOIN checks AS found
)
ORDER BY check, detail
COMMENT 'What of the events is not as one would wish, by check and detail: data_quality(account=, from=, to=), days of UTC. The check events has all of them {{mark}}'
