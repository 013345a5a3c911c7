-- How far a walk-thru's plays get: who reached each step, who began and who ended there, and how long until the next.
--
-- A play may begin at any step, go back, and leave steps out: its path is its steps in the order in which each was first shown, of two of one millisecond
-- the lower place first. So each play is at each step once, whatever it repeats; the next step is the next new one, and the time until it is never
-- negative. A play ends at the last new step when it was not completed. Plays of which no step was shown are not here: walkthru_completion has them. A play
-- whose own event was lost is here all the same. step_index -1 is steps whose place the client does not tell. There is no conversion window but that of
-- interactions: the day after the last one asked for.
--
-- Quantiles are exact, between two values in proportion (as PERCENTILE.INC of spreadsheets).
CREATE OR REPLACE VIEW walkthru_funnel{{on_cluster}} AS
SELECT
    step.1 AS step_index,
    argMax(step_names[step.1], (first_time, step_names[step.1])) AS step_name,
    count() AS plays,
    uniqExact(person) AS users,
    countIf(place = 1) AS entered_here,
    countIf(place = length(path) AND completed_at IS NULL) AS ended_here,
    ended_here / plays AS drop_off_rate,
    quantileExactInclusive(0.5)(seconds_to_next) AS seconds_to_next_median,
    quantileExactInclusive(0.9)(seconds_to_next) AS seconds_to_next_p90
FROM
(
    SELECT
        first_time, completed_at, step_names,
        if(user_id = '', visitor_id, user_id) AS person,
        arraySort(shown -> (shown.2, shown.1), arrayZip(mapKeys(steps), mapValues(steps))) AS path,
        arrayMap((this, following) -> if(following.2 = toDateTime64(0, 3, 'UTC'), NULL, dateDiff('millisecond', this.2, following.2) / 1000),
            path, arrayPushBack(arrayPopFront(path), (toInt32(0), toDateTime64(0, 3, 'UTC')))) AS seconds
    FROM interactions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
    WHERE item_type = 'walkthru' AND notEmpty(steps) AND (SELECT throwIf({item:String} = '', 'item: want the id of one walk-thru')) = 0
)
ARRAY JOIN path AS step, seconds AS seconds_to_next, arrayEnumerate(path) AS place
GROUP BY step_index
ORDER BY step_index
COMMENT 'Each step of a walk-thru, the plays that reached it and those that ended there: walkthru_funnel(account=, from=, to=, audience=, item=), days of UTC. Exact, doubles and late events included; times are between first showings {{mark}}'
