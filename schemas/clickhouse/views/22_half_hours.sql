-- Who was there in which half hour: what active users, cohorts and newcomers are counted from.
--
-- Of an audience that looks at nothing but whose rows they are, rows of one key may be several until they are merged: for what is counted by days, users, or
-- first and last times, it makes no difference, and FINAL would cost as much as the rest. Of a country, a browser and the like rows must be merged first,
-- since of several within a half hour the last by alphabet counts. Of the two parts one reads nothing: its condition is false before a row is read.
CREATE OR REPLACE VIEW half_hours{{on_cluster}} AS
SELECT slot, first_time, last_time, visitor_id, user_id, company_id, person
FROM visitor_activity
WHERE NOT match({audience:String}, '^(country|browser|os|device|language):')
    AND account_id = {account:String}
    AND toDate(slot) BETWEEN {from:Date} AND {to:Date}
    AND {{part "audience"}}
UNION ALL
SELECT slot, first_time, last_time, visitor_id, user_id, company_id, person
FROM visitor_activity FINAL
WHERE match({audience:String}, '^(country|browser|os|device|language):')
    AND account_id = {account:String}
    AND toDate(slot) BETWEEN {from:Date} AND {to:Date}
    AND {{part "audience"}}
COMMENT 'Each half hour in which somebody was active, and who, once or more often: half_hours(account=, from=, to=, audience=), days of UTC. person is cityHash64 of the user''s id {{mark}}'
