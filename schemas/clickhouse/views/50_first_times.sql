-- When each user came for the first time ever in an audience, of all that is stored: what tells new users from returning ones.
--
-- end_user_activity knows it of whoever it was, environment and company, in a row a user. Of a country, a browser and the like only the half hours know, all
-- of which are read then. Of the two parts one reads nothing: its condition is false before a row is read. Users are hashes of their ids (cityHash64).
CREATE OR REPLACE VIEW first_times{{on_cluster}} AS
SELECT person, min(f.first_time) AS first_time
FROM
(
    SELECT cityHash64(if(user_id = '', visitor_id, user_id)) AS person, first_seen AS first_time
    FROM
    (
        SELECT *, latest.country_code AS country_code, latest.browser AS browser, latest.os AS os, latest.device_type AS device_type, latest.language AS language
        FROM end_user_activity
    )
    WHERE NOT match({audience:String}, '^(country|browser|os|device|language):')
        AND account_id = {account:String}
        AND {{part "audience"}}
    UNION ALL
    SELECT cityHash64(if(user_id = '', visitor_id, user_id)) AS person, a.first_time
    FROM
    (
        SELECT *
        FROM visitor_activity FINAL
        WHERE match({audience:String}, '^(country|browser|os|device|language):')
            AND account_id = {account:String}
            AND {{part "audience"}}
    ) AS a
) AS f
GROUP BY person
COMMENT 'Each user (cityHash64 of the id) and their first event ever: first_times(account=, audience=) {{mark}}'
