-- How far a walk-thru's plays get: who reached each step, who began and who ended there, and how long until the next.
--
-- A play may begin at any step, go back, and leave steps out: its path is its steps in the order in which each was first shown, of two of one millisecond
-- the lower place first. So each play is at each step once, whatever it repeats; the next step is the next new one, and the time until it is never
-- negative. A play ends at the last new step when it was not completed. Plays of which no step was shown are not here: walkthru_completion has them. A play
-- whose own event was lost is here all the same. step_index -1 is steps whose place the client does not tell. There is no conversion window but that of
-- interactions: the day after the last one asked for.
--
-- A play of several rows, over midnight or a log-in, may have a step in each: all are in shown, and only the first of each is new. The name is that of the
-- latest play, of several names in it the last by alphabet: the greatest text of the play's time, of 13 digits until 2286, and the name.
--
-- Quantiles are exact, between two values in proportion (as PERCENTILE.INC of spreadsheets).
CREATE OR REPLACE VIEW walkthru_funnel{{on_cluster}} AS
SELECT
    step_index,
    substring(max(concat(toString(toInt64(bitShiftRight(began, 64))), step.3)), 14) AS step_name,
    countIf(is_new) AS plays,
    uniqExactIf(toUInt64(began), is_new) AS users,
    countIf(is_new AND place = 1) AS entered_here,
    countIf(is_new AND place = length(path) AND completed IS NULL) AS ended_here,
    ended_here / plays AS drop_off_rate,
    quantileExactInclusive(0.5)(if(is_new AND place < length(path), (path[place + 1] - step.1) / 1000, NULL)) AS seconds_to_next_median,
    quantileExactInclusive(0.9)(if(is_new AND place < length(path), (path[place + 1] - step.1) / 1000, NULL)) AS seconds_to_next_p90
FROM
(
    SELECT
        began, completed,
        arraySort(arrayZip(times, places, names)) AS shown,
        arrayMap(nth -> nth = 1, arrayEnumerateUniq(shown.2)) AS firsts,
        arrayFilter((time, first) -> first, shown.1, firsts) AS path
    FROM
    (
        SELECT
            min(bitOr(bitShiftLeft(toUInt128(toUnixTimestamp64Milli(first_time)), 64), toUInt128(person))) AS began,
            min(completed_at) AS completed,
            groupArrayArray(arrayMap(time -> toUnixTimestamp64Milli(time), mapValues(steps))) AS times,
            groupArrayArray(mapKeys(steps)) AS places,
            groupArrayArray(mapValues(step_names)) AS names
        FROM
        (
            {{part "acts"}}
        )
        WHERE item_type = 'walkthru' AND item_id = {item:String}
        GROUP BY interaction
        HAVING toDate(fromUnixTimestamp64Milli(toInt64(bitShiftRight(began, 64)), 'UTC')) BETWEEN {from:Date} AND {to:Date}
    )
    WHERE (SELECT throwIf({item:String} = '', 'item: want the id of one walk-thru')) = 0
)
ARRAY JOIN shown AS step, firsts AS is_new, arrayCumSum(firsts) AS place
GROUP BY step.2 AS step_index
ORDER BY step_index
COMMENT 'Each step of a walk-thru, the plays that reached it and those that ended there: walkthru_funnel(account=, from=, to=, audience=, item=), days of UTC. Exact, doubles and late events included; times are between first showings {{mark}}'
