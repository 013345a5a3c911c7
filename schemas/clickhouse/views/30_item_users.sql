-- What each user did with each item: the counts that item_engagement and goal_rate are made of. Both ids are hashes (item is that of item_type and item_id),
-- so that it is of little use for itself.
--
-- An interaction belongs to the day of its first event and is followed for a day after the last one asked for, and counts for the user who began it, as in
-- interactions: who logs in within it is one user. Whole accounts are asked for, with millions of interactions, so it is computed of numbers alone, five
-- times as fast as of texts: hashes of 64 bits, of which two of ten million are the same once in some hundred thousand accounts; the first event's
-- time and its user as one number, the time above; and a bit for each thing that happened.
CREATE OR REPLACE VIEW item_users{{on_cluster}} AS
SELECT
    item,
    toUInt64(bitAnd(began, 0xFFFFFFFFFFFFFFFF)) AS person,
    countIf(bitTest(happened, 0)) AS exposures,
    countIf(bitTest(happened, 1) OR first_step < last_step) AS interacted,
    countIf(bitTest(happened, 2)) AS plays,
    countIf(bitTest(happened, 3)) AS completed,
    countIf(bitTest(happened, 2) AND bitTest(happened, 3)) AS completed_plays,
    countIf(bitTest(happened, 4)) AS milestones,
    countIf(bitTest(happened, 5)) AS goals,
    countIf(bitTest(happened, 6)) AS failed,
    countIf(bitTest(happened, 7)) AS stopped,
    countIf(bitTest(happened, 8)) AS dismissed
FROM
(
    SELECT
        cityHash64(item_type, item_id) AS item,
        if(interaction_id = '', cityHash64(visitor_id, user_id, day), cityHash64(interaction_id)) AS interaction,
        min(bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(first_time)), 64), toUInt128(cityHash64(if(user_id = '', visitor_id, user_id))))) AS began,
        groupBitOr(toUInt16(
            exposed + 2 * interacted + 4 * isNotNull(started_at) + 8 * isNotNull(completed_at) + 16 * isNotNull(milestone_at) + 32 * isNotNull(goal_at)
            + 64 * isNotNull(failed_at) + 128 * isNotNull(stopped_at) + 256 * isNotNull(dismissed_at))) AS happened,
        minIf(arrayMin(mapKeys(steps)), notEmpty(steps)) AS first_step,
        maxIf(arrayMax(mapKeys(steps)), notEmpty(steps)) AS last_step
    FROM
    (
        SELECT *
        FROM item_activity FINAL
        WHERE account_id = {account:String}
            AND day BETWEEN {from:Date} - 1 AND {to:Date} + 1
            AND ({item:String} = '' OR item_id = {item:String})
            AND {{part "audience"}}
    ) AS a
    GROUP BY item, interaction
    HAVING toDate(fromUnixTimestamp64Milli(toInt64(bitShiftRight(began, 64)), 'UTC')) BETWEEN {from:Date} AND {to:Date}
)
GROUP BY item, person
COMMENT 'What each user did with each item, both as hashes, for the views that count users: item_users(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact but for hashes that are the same by chance {{mark}}'
