-- What was answered to a survey's questions.
--
-- An answer that is a list, of several choices, counts as each of its elements; one submission counts once for each answer, whatever it repeats. An answer that
-- is a text is that text, anything else as JSON has it; without an answer (null) there is none. users are who gave the answer. share is of all answers to the
-- question. Read from the events, each id once.
CREATE OR REPLACE VIEW survey_results{{on_cluster}} AS
SELECT
    item_id,
    argMax(e.item_name, (e.time, e.item_name)) AS item_name,
    question,
    answer,
    uniqExact(event_id) AS answers,
    uniqExact(person) AS users,
    answers / sum(answers) OVER (PARTITION BY item_id, question) AS share
FROM
(
    SELECT
        event_id, item_id, item_name, time,
        if(user_id = '', visitor_id, user_id) AS person,
        arrayJoin(JSONExtractArrayRaw(detail_text, 'answers')) AS given,
        if(JSONType(given, 'question') = 'String', JSONExtractString(given, 'question'), JSONExtractRaw(given, 'question')) AS question,
        arrayJoin(if(JSONType(given, 'answer') = 'Array', JSONExtractArrayRaw(given, 'answer'), [JSONExtractRaw(given, 'answer')])) AS raw,
        if(JSONType(raw) = 'String', JSONExtractString(raw), raw) AS answer
    FROM
    (
        SELECT *
        FROM events FINAL
        WHERE account_id = {account:String} AND item_type = 'survey' AND event = 'submit'
            AND ({item:String} = '' OR item_id = {item:String}) AND time >= {from:Date} AND time < {to:Date} + 1 AND {{part "audience"}}
        ORDER BY time
        LIMIT 1 BY event_id
    ) AS a
) AS e
WHERE raw NOT IN ('', 'null')
GROUP BY item_id, question, answer
ORDER BY item_id, question, answers DESC, answer
COMMENT 'Each question''s answers, how often each was given, and its share: survey_results(account=, from=, to=, audience=, item=), days of UTC, item empty for all surveys. Exact, doubles and late events included {{mark}}'
