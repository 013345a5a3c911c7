package examples

// people are the examples of views about people, sessions and data.
var people = []Example{
	{
		"active_users", "How many people use the product each day, each week and each month?",
		`SELECT day, dau, wau, mau, round(100 * stickiness) AS percent_of_month
FROM active_users(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')`,
	},
	{
		"retention", "Of those who came first in a week, how many come back in the weeks after it?",
		`SELECT cohort_week, cohort_users, week, round(100 * rate) AS percent
FROM retention(account = 'acme', from = '2026-03-02', to = '2026-03-29', audience = 'live')`,
	},
	{
		"sessions", "How long are sessions in each browser?",
		`SELECT browser, count() AS sessions, median(seconds) AS seconds_median, avg(views) AS views_mean
FROM sessions(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')
GROUP BY browser
ORDER BY sessions DESC`,
	},
	{
		"sessions_overview", "How many sessions are there each day, how long are they, and how much happens in them?",
		`SELECT day, sessions, users, sessions_per_user, seconds_median, events_per_session
FROM sessions_overview(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')`,
	},
	{
		"new_vs_returning", "How many of each day's people are there for the first time?",
		`SELECT day, new_users, returning_users
FROM new_vs_returning(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')`,
	},
	{
		"traffic_sources", "Which campaigns bring new people?",
		`SELECT utm_source, utm_campaign, sessions, users, new_users
FROM traffic_sources(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')
WHERE traffic_source = 'campaign'
ORDER BY new_users DESC`,
	},
	{
		"breakdown", "In which countries are our users?",
		`SELECT value AS country_code, users, events
FROM breakdown(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live', by = 'country')`,
	},
	{
		"company_engagement", "Which of our customers use the product least?",
		`SELECT company_id, users, active_days, sessions, plays, completed, last_seen
FROM company_engagement(account = 'acme', from = '2026-03-01', to = '2026-03-31', audience = 'live')
ORDER BY active_days, users
LIMIT 20`,
	},
	{
		"end_user_profile", "What is known of one end user?",
		`SELECT *
FROM end_user_profile(account = 'acme', user = 'acme-user-483')`,
	},
	{
		"end_user_timeline", "What did one end user do, and in which order?",
		`SELECT time, event, item_type, item_name, step_name, url_path
FROM end_user_timeline(account = 'acme', user = 'acme-user-483', from = '2026-03-01', to = '2026-03-31')`,
	},
	{
		"data_quality", "What part of the events is not as it should be?",
		`SELECT check, detail, events
FROM data_quality(account = 'acme', from = '2026-03-01', to = '2026-03-31')`,
	},
	{
		"freshness", "How long does it take until an event can be asked for?",
		`SELECT toStartOfHour(minute) AS hour, sum(events) AS stored, max(seconds_to_store_p99) AS seconds_p99_of_the_worst_minute
FROM freshness(account = 'acme', from = '2026-03-01', to = '2026-03-31')
GROUP BY hour
ORDER BY hour`,
	},
	{
		"end_users", "What does a BI tool's list of end users read?",
		`SELECT user_id, country, companies, first_seen, last_seen, attributes['plan'] AS plan
FROM end_users
WHERE account_id = 'acme'
ORDER BY last_seen DESC
LIMIT 20`,
	},
	{
		"companies", "Which companies have we not heard of for longest?",
		`SELECT company_id, users, last_seen
FROM companies
WHERE account_id = 'acme'
ORDER BY last_seen
LIMIT 20`,
	},
}
