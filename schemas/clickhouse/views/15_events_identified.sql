-- The events of events_live, and whose each is.
--
-- An event that names a user is that user's. Another one is whoever its visitor was last by its time, and before the first time its visitor's first user;
-- then aliases are followed, of whatever time. So what was done before a log-in counts for who logged in, and what is done in a shared browser after a
-- log-out counts for who was there last: nobody knows better. Late events and aliases change what earlier ones resolve to; an erased person's claims are
-- gone with their rows.
--
-- Claims are of all of an account's time, whatever span a query names: they are read besides the events that are asked for. became is who a visitor
-- became and when, in order; most have one element. Joined by equality, so that a filter by account_id reaches the claims and the aliases, too, which it does
-- not through ASOF JOIN and windows.
CREATE OR REPLACE VIEW events_identified{{on_cluster}} AS
SELECT * EXCEPT (claims_account, claims_visitor, became, alias_account, alias_of, leads_to, direct), if(leads_to != '', leads_to, direct) AS resolved_user_id
FROM
(
    SELECT
        *,
        multiIf(
            user_id NOT IN ('', visitor_id), user_id,
            empty(became), user_id,
            time < became[1].1, became[1].2,
            arrayLast(one -> one.1 <= time, became).2
        ) AS direct
    FROM events_live
    LEFT JOIN
    (
        SELECT
            account_id AS claims_account,
            visitor_id AS claims_visitor,
            arrayCompact(one -> one.2, arraySort(groupArray((time, user_id)))) AS became
        FROM identity_claims
        GROUP BY account_id, visitor_id
    ) AS visitors
    ON claims_account = account_id AND claims_visitor = visitor_id
) AS named
LEFT JOIN (SELECT account_id AS alias_account, previous_id AS alias_of, user_id AS leads_to FROM identity_aliases) AS aliases
    ON alias_account = account_id AND alias_of = direct
SETTINGS join_use_nulls = 0
COMMENT 'The events of events_live with resolved_user_id: the user that the event names, or whom its visitor was last by then, or at first became; aliases followed. As exact as events_live and as what clients said: who else used a browser nobody knows {{mark}}'
