-- How do people do in quizzes?
-- Who took each quiz, who passed, and the scores.
SELECT
    item_id,      -- text
    item_name,    -- text
    quiz_id,      -- text
    takers,       -- users
    submissions,  -- count
    passed_users, -- users
    pass_rate,    -- rate
    score_mean,   -- number
    score_median  -- number
FROM quiz_results(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
ORDER BY takers DESC, item_id, quiz_id
