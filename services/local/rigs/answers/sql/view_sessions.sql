-- Sessions of each day, and how long they are.
SELECT toDate(started_at) AS day, count() AS sessions, uniq(user_id) AS users, median(seconds) AS seconds, avg(events) AS events
FROM sessions(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String})
GROUP BY day
