-- visitor_activity's rows of events. scope is empty, or a further condition.
SELECT
    account_id, toStartOfInterval(time, INTERVAL 30 MINUTE) AS slot, visitor_id, user_id, company_id, environment, preview, is_bot,
    min(time) AS first_time,
    max(time) AS last_time,
    groupUniqArray(toUInt32(cityHash64(event_id))) AS events,
    groupUniqArrayArray(if(item_type = 'page', [toUInt32(cityHash64(event_id))], [])) AS views,
    min((time, toString(traffic_source), toString(utm_source), toString(utm_medium), toString(utm_campaign), toString(referrer_host), url_path)) AS entry,
    max(e.country_code) AS country_code,
    max(e.browser) AS browser,
    max(e.os) AS os,
    max(e.device_type) AS device_type,
    max(e.language) AS language,
    max(e.expires) AS expires
FROM events AS e
WHERE NOT (item_type = 'session' AND event = 'end'){{scope}}
GROUP BY account_id, slot, visitor_id, user_id, company_id, environment, preview, is_bot
