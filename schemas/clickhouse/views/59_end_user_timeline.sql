-- What an end user did, event by event, each once.
--
-- Of every environment, previews and bots too, with columns that say so. What their visitor did before they logged in is not in it: see events_identified.
-- end_user_activity knows the user's visitors, by which the index of events finds them.
CREATE OR REPLACE VIEW end_user_timeline{{on_cluster}} AS
SELECT time, event, item_type, item_id, item_name, step_name, url_path, page_title, session_id, environment, preview
FROM events FINAL
WHERE account_id = {account:String}
    AND user_id = {user:String} AND user_id != ''
    AND visitor_id IN (SELECT visitor_id FROM end_user_activity WHERE account_id = {account:String} AND user_id = {user:String})
    AND time >= toDateTime64({from:Date}, 3, 'UTC') AND time < toDateTime64({to:Date} + 1, 3, 'UTC')
ORDER BY time, event_id
LIMIT 1 BY event_id
COMMENT 'An end user''s events in their order: end_user_timeline(account=, user=, from=, to=), days of UTC, all environments {{mark}}'
