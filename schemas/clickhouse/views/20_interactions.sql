-- One row an interaction: a play of a walk-thru, a showing of an announcement, a survey's, a course's.
--
-- It belongs to the day of its first event and is followed for a day after the last one asked for: what goes on for longer is cut off there. Events that
-- name no interaction make one of each person, item and day. Exact, whatever came doubled, late or out of order, as item_activity is.
CREATE OR REPLACE VIEW interactions{{on_cluster}} AS
SELECT
    account_id, item_type, item_id,
    interaction_id,
    argMax(a.item_name, (a.last_time, a.item_name)) AS item_name,
    argMin(a.visitor_id, (a.first_time, a.visitor_id)) AS visitor_id,
    argMin(a.user_id, (a.first_time, a.user_id)) AS user_id,
    argMin(a.company_id, (a.first_time, a.company_id)) AS company_id,
    min(a.first_time) AS first_time,
    max(a.last_time) AS last_time,
    max(a.exposed) AS exposed,
    max(a.interacted) AS interacted,
    max(a.clicked) AS clicked,
    min(a.started_at) AS started_at,
    min(a.failed_at) AS failed_at,
    min(a.milestone_at) AS milestone_at,
    min(a.goal_at) AS goal_at,
    min(a.completed_at) AS completed_at,
    min(a.stopped_at) AS stopped_at,
    min(a.dismissed_at) AS dismissed_at,
    min(a.submitted_at) AS submitted_at,
    minMap(a.steps) AS steps,
    maxMap(a.step_names) AS step_names,
    max(a.step_count) AS step_count,
    max(a.iteration) AS iteration,
    max(a.trigger) AS trigger,
    max(a.dismiss_reason) AS dismiss_reason,
    max(a.failure_reason) AS failure_reason,
    dateDiff('millisecond', started_at, completed_at) / 1000 AS seconds_to_complete
FROM
(
    SELECT *
    FROM item_activity FINAL
    WHERE account_id = {account:String}
        AND day BETWEEN {from:Date} - 1 AND {to:Date} + 1
        AND ({item:String} = '' OR item_id = {item:String})
        AND {{part "audience"}}
) AS a
GROUP BY account_id, item_type, item_id, interaction_id, if(a.interaction_id = '', (a.visitor_id, a.user_id, a.day), ('', '', toDate(0)))
HAVING toDate(first_time) BETWEEN {from:Date} AND {to:Date}
COMMENT 'One row an interaction: interactions(account=, from=, to=, audience=, item=), days of UTC, item empty for all {{mark}}'
