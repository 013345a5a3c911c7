-- end_user_activity's rows of events. scope is empty, or a further condition.
SELECT
    account_id, user_id, visitor_id, company_id, environment, preview, is_bot,
    min(time) AS first_seen,
    max(time) AS last_seen,
    max((time, toString(country_code), toString(country), toString(subdivision), toString(city), toString(browser), toString(browser_version), toString(os), toString(os_version), toString(device_type), toString(language), toString(timezone))) AS latest,
    maxMap(if(item_type = 'user' AND event = 'identify', mapFromArrays(JSONExtractKeysAndValuesRaw(props_text).1, arrayMap(value -> (time, value), JSONExtractKeysAndValuesRaw(props_text).2)), map())) AS attributes,
    max(e.expires) AS expires
FROM events AS e
WHERE 1{{scope}}
GROUP BY account_id, user_id, visitor_id, company_id, environment, preview, is_bot
