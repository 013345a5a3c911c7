package examples

// items are the examples of views about items.
var items = []Example{
	{
		"item_engagement", "Which items are seen, used and completed, and which are not?",
		`SELECT item_type, item_name, exposed_users, round(100 * engagement_rate) AS percent_engaged, plays, round(100 * completion_rate) AS percent_completed
FROM item_engagement(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')
ORDER BY exposed_users DESC`,
	},
	{
		"item_rates", "How does one item do?",
		`SELECT item_type, players, completion_rate, goal_rate, stopped
FROM item_rates(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '101')`,
	},
	{
		"walkthru_funnel", "At which step do people leave a walk-thru, and how long does each step take?",
		`SELECT step_index + 1 AS step, step_name, plays, ended_here, round(100 * drop_off_rate) AS percent_lost, seconds_to_next_median
FROM walkthru_funnel(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '101')`,
	},
	{
		"walkthru_completion", "How did a walk-thru's completion develop from day to day?",
		`SELECT day, plays, completed, completion_rate
FROM walkthru_completion(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '101')`,
	},
	{
		"failure_reasons", "Why do plays fail, and for how many people?",
		`SELECT item_name, reason, failed, users, round(100 * share) AS percent
FROM failure_reasons(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '')`,
	},
	{
		"goal_rate", "Of those who played a walk-thru, how many reached its goal?",
		`SELECT item_name, players, goal_users, round(100 * goal_rate) AS percent
FROM goal_rate(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '')`,
	},
	{
		"time_to_complete", "How long does it take to complete a walk-thru, usually and for the slowest tenth?",
		`SELECT item_name, completed, seconds_median, seconds_p90
FROM time_to_complete(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '')`,
	},
	{
		"task_progress", "Which onboarding tasks are done, and by whom without the guidance?",
		`SELECT item_name, clicked_users, completed_users, completed_without_click_users
FROM task_progress(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')`,
	},
	{
		"tasks_done", "How many people have done all of the onboarding?",
		"SELECT sum(users) AS people, sumIf(users, `all`) AS done_with_all\n" +
			"FROM tasks_done(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')",
	},
	{
		"course_progress", "How far do people get in courses?",
		`SELECT item_name, opened_users, started_users, completed_users, lessons_completed_mean
FROM course_progress(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')`,
	},
	{
		"course_lessons", "Which lesson of a course is not completed?",
		`SELECT lesson_name, started_users, completed_users, round(100 * completed_users / started_users) AS percent
FROM course_lessons(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '701')
ORDER BY percent`,
	},
	{
		"quiz_results", "How hard is a quiz?",
		`SELECT item_name, quiz_id, takers, round(100 * pass_rate) AS percent_passed, score_median
FROM quiz_results(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '')`,
	},
	{
		"survey_results", "What do people answer?",
		`SELECT question, answer, answers, round(100 * share) AS percent
FROM survey_results(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '502')`,
	},
	{
		"survey_nps", "Would people recommend us?",
		`SELECT question, answers, promoters, passives, detractors, round(nps) AS score
FROM survey_nps(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '502')`,
	},
	{
		"search_without_result", "What do people look for and not find?",
		`SELECT query, searches, users, last_time
FROM search_without_result(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')
LIMIT 20`,
	},
	{
		"item_compare", "Is a walk-thru doing better in the second half of the month than in the first?",
		`SELECT metric, value, other_value, round(100 * change) AS percent_change
FROM item_compare(account = 'acme', item = '101', from = '2026-03-16', to = '2026-03-31', audience = 'live',
    other_from = '2026-03-01', other_to = '2026-03-15', other_audience = 'live')`,
	},
	{
		"guide_effect", "Do new users who took a guide order more often than those who did not?",
		`SELECT took_it, users, reached, round(100 * reach_rate) AS percent, days_to_goal_median
FROM guide_effect(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', item = '101', goal = 'Order placed')`,
	},
	{
		"item_days", "What does a BI tool's chart of plays read?",
		`SELECT day, sum(plays) AS plays
FROM item_days
WHERE account_id = 'acme' AND day BETWEEN '2026-03-01' AND '2026-03-31' AND item_type = 'walkthru'
GROUP BY day
ORDER BY day`,
	},
}
