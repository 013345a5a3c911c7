-- How many of each day's plays of walk-thrus were completed, stopped, or failed.
--
-- Each counts on the day on which the interaction began, so that a play that is completed after midnight is a completed play of the day before, and no rate
-- exceeds one. completed are completions of plays; without the play's own event there is none. failed has failures that no play began, too.
CREATE OR REPLACE VIEW walkthru_completion{{on_cluster}} AS
SELECT
    toDate(first_time) AS day,
    countIf(started_at IS NOT NULL) AS plays,
    countIf(started_at IS NOT NULL AND completed_at IS NOT NULL) AS completed,
    if(plays = 0, NULL, completed / plays) AS completion_rate,
    countIf(stopped_at IS NOT NULL) AS stopped,
    countIf(failed_at IS NOT NULL) AS failed
FROM interactions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
WHERE item_type = 'walkthru'
GROUP BY day
ORDER BY day
COMMENT 'Each day''s plays of a walk-thru, or of all: walkthru_completion(account=, from=, to=, audience=, item=), days of UTC on which plays began; a day without any is not there. Exact, doubles and late events included {{mark}}'
