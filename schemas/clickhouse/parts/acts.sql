-- What of item_activity questions about whole items are answered from: the rows of the days asked for and of the one before and after, of the audience.
--
-- Of an audience that looks at nothing but whose rows they are, rows of one key may be several until they are merged: for bits, minima and maxima, it makes
-- no difference, and FINAL would cost as much as the rest. Of a country, a browser and the like rows must be merged first, since of several the last by
-- alphabet counts. Of the two parts one reads nothing: its condition is false before a row is read.
SELECT
    item_type, item_id, day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot, item_name, first_time, last_time, completed_at, failure_reason, steps, step_names,
    item, person, interaction, happened, first_step, last_step
FROM item_activity
WHERE NOT match({audience:String}, '^(country|browser|os|device|language):')
    AND account_id = {account:String}
    AND day BETWEEN {from:Date} - 1 AND {to:Date} + 1
    AND {{part "audience"}}
UNION ALL
SELECT
    item_type, item_id, day, interaction_id, visitor_id, user_id, company_id, environment, preview, is_bot, item_name, first_time, last_time, completed_at, failure_reason, steps, step_names,
    item, person, interaction, happened, first_step, last_step
FROM item_activity FINAL
WHERE match({audience:String}, '^(country|browser|os|device|language):')
    AND account_id = {account:String}
    AND day BETWEEN {from:Date} - 1 AND {to:Date} + 1
    AND {{part "audience"}}
