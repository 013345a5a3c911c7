-- item_activity's rows of events. scope is empty, or a further condition.
SELECT
    account_id, item_type, item_id, toDate(time) AS day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot,
    max(e.item_name) AS item_name,
    min(time) AS first_time,
    max(time) AS last_time,
    max(event IN ('play', 'show', 'step', 'open')) AS exposed,
    max(event IN ('click', 'action', 'interact', 'validation_pass', 'validation_fail', 'submit', 'milestone', 'goal', 'complete', 'search', 'lesson_start', 'lesson_complete', 'quiz_start', 'quiz_submit')
        OR (event = 'open' AND item_type IN ('course', 'resource'))) AS interacted,
    max(event IN ('click', 'action')) AS clicked,
    min(if(event = 'play', time, NULL)) AS started_at,
    min(if(event = 'play_failed', time, NULL)) AS failed_at,
    min(if(event = 'milestone', time, NULL)) AS milestone_at,
    min(if(event = 'goal', time, NULL)) AS goal_at,
    min(if(event = 'complete', time, NULL)) AS completed_at,
    min(if(event = 'stop', time, NULL)) AS stopped_at,
    min(if(event IN ('close', 'snooze', 'dismiss'), time, NULL)) AS dismissed_at,
    min(if(event = 'submit', time, NULL)) AS submitted_at,
    minMap(if(event = 'step', map(step_index, time), map())) AS steps,
    maxMap(if(event = 'step', map(step_index, toString(step_name)), map())) AS step_names,
    max(e.step_count) AS step_count,
    max(e.iteration) AS iteration,
    max(e.trigger) AS trigger,
    max(e.dismiss_reason) AS dismiss_reason,
    max(e.failure_reason) AS failure_reason,
    max(e.country_code) AS country_code,
    max(e.browser) AS browser,
    max(e.os) AS os,
    max(e.device_type) AS device_type,
    max(e.language) AS language,
    max(e.expires) AS expires
FROM events AS e
WHERE item_type NOT IN ('page', 'session', 'user', 'custom'){{scope}}
GROUP BY account_id, item_type, item_id, day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot
