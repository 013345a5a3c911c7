-- What do people answer?
-- Answers to each question of a survey. The share is of the question's answers.
SELECT
    item_id,   -- text
    item_name, -- text
    question,  -- text
    answer,    -- text
    answers,   -- count
    users,     -- users
    share      -- rate
FROM survey_results(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
ORDER BY item_id, question, answers DESC, answer
