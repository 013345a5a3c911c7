-- How many of each day's plays of walk-thrus were completed, stopped, or failed.
--
-- Each counts on the day on which the interaction began, so that a play that is completed after midnight is a completed play of the day before, and no rate
-- exceeds one. completed are completions of plays; without the play's own event there is none. failed has failures that no play began, too.
-- Interactions are as in the view of that name, and read from bits alone.
CREATE OR REPLACE VIEW walkthru_completion{{on_cluster}} AS
SELECT
    began AS day,
    countIf(bitTest(did, 2)) AS plays,
    countIf(bitTest(did, 2) AND bitTest(did, 3)) AS completed,
    if(plays = 0, NULL, completed / plays) AS completion_rate,
    countIf(bitTest(did, 7)) AS stopped,
    countIf(bitTest(did, 6)) AS failed
FROM
(
    SELECT toDate(min(a.first_time)) AS began, groupBitOr(a.happened) AS did
    FROM
    (
        {{part "acts_of_item"}}
    ) AS a
    WHERE item_type = 'walkthru'
    GROUP BY interaction
    HAVING began BETWEEN {from:Date} AND {to:Date}
)
GROUP BY day
ORDER BY day
COMMENT 'Each day''s plays of a walk-thru, or of all: walkthru_completion(account=, from=, to=, audience=, item=), days of UTC on which plays began; a day without any is not there. Exact, doubles and late events included {{mark}}'
