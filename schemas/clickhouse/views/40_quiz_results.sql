-- How quizzes of courses are passed.
--
-- takers submitted the quiz at least once, and passed_users passed it at least once. Each submission's score is in the mean and the median, as far as it is a
-- number: a text is none, even one of digits. The median is exact, between two values in proportion. Read from the events, each id once.
CREATE OR REPLACE VIEW quiz_results{{on_cluster}} AS
SELECT
    item_id,
    argMax(e.item_name, (e.time, e.item_name)) AS item_name,
    quiz_id,
    uniqExact(person) AS takers,
    count() AS submissions,
    uniqExactIf(person, passed) AS passed_users,
    passed_users / takers AS pass_rate,
    avg(score) AS score_mean,
    quantileExactInclusive(0.5)(score) AS score_median
FROM
(
    SELECT
        item_id, item_name, time,
        if(user_id = '', visitor_id, user_id) AS person,
        a.detail.quiz.id::String AS quiz_id,
        coalesce(a.detail.quiz.passed.:Bool, false) AS passed,
        coalesce(a.detail.quiz.score.:Float64, a.detail.quiz.score.:Int64::Nullable(Float64)) AS score
    FROM
    (
        SELECT *
        FROM events FINAL
        WHERE account_id = {account:String} AND item_type = 'course' AND event = 'quiz_submit'
            AND ({item:String} = '' OR item_id = {item:String}) AND time >= {from:Date} AND time < {to:Date} + 1 AND {{part "audience"}}
        ORDER BY time
        LIMIT 1 BY event_id
    ) AS a
) AS e
GROUP BY item_id, quiz_id
ORDER BY item_id, quiz_id
COMMENT 'Each quiz''s takers, submissions, pass rate and scores: quiz_results(account=, from=, to=, audience=, item=), days of UTC, item empty for all courses. Exact, doubles and late events included {{mark}}'
