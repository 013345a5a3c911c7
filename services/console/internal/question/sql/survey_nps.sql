-- Would people recommend us?
-- Net Promoter Score of questions that are answered with 0 to 10: the share of 9 and 10 less that of 0 to 6, from −100 to 100.
SELECT
    item_id,    -- text
    item_name,  -- text
    question,   -- text
    answers,    -- count
    promoters,  -- count
    passives,   -- count
    detractors, -- count
    nps         -- number
FROM survey_nps(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, item = {item:String})
ORDER BY answers DESC, item_id, question
