-- Where the ids lead that aliases took out of use: a → b and b → c make both of them c.
--
-- Of two aliases of one id the later one counts. Aliases that lead in a circle (a → b, b → a) all lead to the id that the latest of them names, and so does
-- what leads into the circle. So all ids that are linked lead to one, whatever order their aliases came in.
--
-- A walk ends after 32 aliases, since whoever has a write key may send a longer chain; each step of the longest one reads the aliases again.
CREATE OR REPLACE VIEW identity_aliases{{on_cluster}} AS
WITH RECURSIVE
    step AS
    (
        SELECT account_id AS account, previous_id AS id, max((time, user_id)) AS latest
        FROM identity_renames
        GROUP BY account_id, previous_id
    ),
    walk AS
    (
        SELECT account, id AS start, [latest] AS path
        FROM step
        UNION ALL
        SELECT walk.account, walk.start, arrayPushBack(walk.path, step.latest) AS path
        FROM walk
        INNER JOIN step ON step.account = walk.account AND step.id = walk.path[-1].2
        WHERE length(walk.path) < 32 AND NOT has(walk.path.2, step.latest.2)
    )
SELECT
    whole.account AS account_id,
    whole.start AS previous_id,
    -- A next step that leads back closes a circle, of which the walk to its first id is no part.
    if(
        has(whole.path.2, next.latest.2),
        arrayMax(arrayPushBack(arraySlice(whole.path, indexOf(whole.path.2, next.latest.2) + 1), next.latest)).2,
        whole.path[-1].2
    ) AS user_id,
    whole.path[1].1 AS aliased_at
FROM (SELECT account, start, argMax(path, length(path)) AS path FROM walk GROUP BY account, start) AS whole
LEFT JOIN step AS next ON next.account = whole.account AND next.id = whole.path[-1].2
WHERE user_id != previous_id
COMMENT 'Each id that aliases took out of use, and the user that the latest of them lead to, along 32 of them at most. As exact as what clients said {{mark}}'
