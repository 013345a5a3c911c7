-- Net promoter score of each question that was answered with numbers from 0 to 10.
--
-- Promoters answered 9 or more, detractors less than 7, passives in between; nps is the promoters' share less the detractors', times a hundred: -100 to 100.
-- Each submission is an answer, also of who answers again. Texts that are such a number count as it; anything else is no answer. Whether a question asks for a
-- recommendation at all nobody can tell from its answers: choose it. Read from the events, each id once.
CREATE OR REPLACE VIEW survey_nps{{on_cluster}} AS
SELECT
    item_id,
    argMax(e.item_name, (e.time, e.item_name)) AS item_name,
    question,
    count() AS answers,
    countIf(grade >= 9) AS promoters,
    countIf(grade >= 7 AND grade < 9) AS passives,
    countIf(grade < 7) AS detractors,
    100 * (promoters - detractors) / answers AS nps
FROM
(
    SELECT DISTINCT
        event_id, item_id, item_name, time,
        if(JSONType(given, 'question') = 'String', JSONExtractString(given, 'question'), JSONExtractRaw(given, 'question')) AS question,
        toFloat64OrNull(if(JSONType(given, 'answer') = 'String', JSONExtractString(given, 'answer'), JSONExtractRaw(given, 'answer'))) AS grade
    FROM
    (
        SELECT *
        FROM events FINAL
        WHERE account_id = {account:String} AND item_type = 'survey' AND event = 'submit'
            AND ({item:String} = '' OR item_id = {item:String}) AND time >= {from:Date} AND time < {to:Date} + 1 AND {{part "audience"}}
        ORDER BY time
        LIMIT 1 BY event_id
    ) AS a
    ARRAY JOIN JSONExtractArrayRaw(detail_text, 'answers') AS given
) AS e
WHERE grade BETWEEN 0 AND 10
GROUP BY item_id, question
ORDER BY item_id, question
COMMENT 'Net promoter score of each question answered with numbers from 0 to 10: survey_nps(account=, from=, to=, audience=, item=), days of UTC, item empty for all surveys. Exact, doubles and late events included {{mark}}'
