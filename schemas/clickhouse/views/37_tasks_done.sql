-- How many users have done how many of the tasks, and who all of them.
--
-- Of users who clicked or completed a task in the span. The tasks are those that anybody in the audience clicked or completed in the span.
CREATE OR REPLACE VIEW tasks_done{{on_cluster}} AS
WITH tasks AS
(
    SELECT item_id, if(user_id = '', visitor_id, user_id) AS person, max(a.completed_at IS NOT NULL) AS done
    FROM
    (
        SELECT *
        FROM item_activity FINAL
        WHERE account_id = {account:String} AND item_type = 'task' AND day BETWEEN {from:Date} AND {to:Date} AND {{part "audience"}}
    ) AS a
    GROUP BY item_id, person
)
SELECT
    tasks_done,
    count() AS users,
    (tasks_done = (SELECT uniqExact(item_id) FROM tasks))::Bool AS `all`
FROM (SELECT person, sum(done) AS tasks_done FROM tasks GROUP BY person)
GROUP BY tasks_done
ORDER BY tasks_done
COMMENT 'Users by how many different tasks they completed, and whether that is all: tasks_done(account=, from=, to=, audience=), days of UTC. Exact, doubles and late events included {{mark}}'
