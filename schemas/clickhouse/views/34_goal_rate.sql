-- Of those who played a walk-thru, who reached its milestones and its main goal. item_rates says what each number is.
CREATE OR REPLACE VIEW goal_rate{{on_cluster}} AS
SELECT item_type, item_id, item_name, players, milestone_users, goal_users, goal_rate
FROM item_rates(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
WHERE item_type = 'walkthru' AND players > 0
ORDER BY item_type, item_id
COMMENT 'Players of each walk-thru and how many of them reached its milestones and its goal: goal_rate(account=, from=, to=, audience=, item=), days of UTC, item empty for all. Exact, doubles and late events included {{mark}}'
