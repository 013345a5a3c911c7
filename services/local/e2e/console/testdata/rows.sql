-- Rows of one account, of the last hours: each text of its own begins with the account's id, so that whoever sees one knows whose it is.
INSERT INTO events (event_id, account_id, region, event, item_type, item_id, item_name, interaction_id, step_id, step_index, step_name, step_count, iteration,
    environment, time, client_time, received_at, enriched_at, visitor_id, user_id, company_id, session_id, url, url_host, url_path, page_title, referrer_host, traffic_source,
    utm_source, browser, os, device_type, language, country_code, country, city, latitude, props, props_text, detail, detail_text, flags)
SELECT
    generateUUIDv4(), a, 'us', e.1, e.2, concat(a, '-', e.2), concat(a, ' ', e.2), concat(a, '-play-', toString(intDiv(n, 5))),
    if(e.1 = 'step', concat(a, '-step'), ''), if(e.1 = 'step', 0, -1), if(e.1 = 'step', concat(a, ' step'), ''), 3, 1,
    'production', at, at, at, at, concat(a, '-visitor-', toString(n % 20)), concat(a, '-user-', toString(n % 10)), concat(a, '-company'), concat(a, '-session-', toString(n)),
    concat('https://', a, '.example/'), concat(a, '.example'), concat('/', a), concat(a, ' page'), concat(a, '.example'), 'direct',
    concat(a, '-source'), concat(a, ' browser'), 'Linux', 'desktop', 'en', 'DE', 'Germany', concat(a, ' city'), if(n % 2 = 0, 52.5, NULL),
    concat('{"plan":"', a, '-gold"}'), concat('{"plan":"', a, '-gold"}'), e.3, e.3, [concat('cut:', a)]
FROM
(
    SELECT {account:String} AS a, number AS n, now64(3, 'UTC') - toIntervalMinute(number * 5) AS at,
        [('play', 'walkthru', '{}'), ('step', 'walkthru', '{}'), ('complete', 'walkthru', '{}'), ('goal', 'walkthru', '{}'), ('play_failed', 'walkthru', '{}'),
         ('view', 'page', '{}'), ('click', 'launcher', '{}'), ('click', 'task', '{}'), ('complete', 'task', '{}'),
         ('open', 'course', '{}'), ('submit', 'survey', concat('{"answers":[{"question":"', a, ' question","answer":9}]}')),
         ('search', 'search', concat('{"query":"', a, ' query","results":0}')), ('identify', 'user', '{}'),
         ('alias', 'user', concat('{"previous_id":"', a, '-old-', toString(n), '"}')), ('track', 'custom', concat('{"name":"', a, ' bought"}'))][number % 15 + 1] AS e
    FROM numbers(150)
);
INSERT INTO dead_events (failed_at, region, account_id, stage, reason, error, event_id, topic, partition, offset)
SELECT now64(3, 'UTC') - INTERVAL 1 HOUR, 'us', {account:String}, 'decode', 'malformed_json', concat({account:String}, ' sent no JSON'), generateUUIDv4(), 'events.raw.us', 0, cityHash64({account:String}) % 1000
