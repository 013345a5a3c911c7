-- Events that were stored since a moment, the latest of them. Those of a repeated request that are not merged yet are several.
--
-- Only what happened within the last quarter of an hour is looked at: parts of older events are left alone by the index of times, so that the question
-- costs the same however much there is.
SELECT
    event_id, e.time AS time, received_at, inserted_at, event, item_type, item_id, item_name, step_name, user_id, visitor_id, company_id, country_code,
    browser, os, device_type, url_path, page_title, environment, preview, is_bot
FROM events AS e
WHERE account_id = {account:String}
    AND e.time > now64(3, 'UTC') - INTERVAL 15 MINUTE
    AND inserted_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
ORDER BY inserted_at DESC, received_at DESC
LIMIT {most:UInt32}
