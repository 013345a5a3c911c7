-- How each item does: who saw it, who acted on it, plays and what became of them, in one look at an account's items. item_rates says what each number is.
CREATE OR REPLACE VIEW item_engagement{{on_cluster}} AS
SELECT * EXCEPT (milestone_users)
FROM item_rates(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = '')
ORDER BY item_type, item_id
COMMENT 'Each item''s users, plays and rates: item_engagement(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included; a rate of nobody is NULL {{mark}}'
