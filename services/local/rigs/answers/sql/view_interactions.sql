-- Plays and completions of each walk-thru.
SELECT item_id, count() AS plays, countIf(completed_at IS NOT NULL) AS completed, uniq(user_id) AS users
FROM interactions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = '')
WHERE item_type = 'walkthru'
GROUP BY item_id
