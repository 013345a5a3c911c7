-- What events say of who a visitor is. Without a user, or with the visitor's own id in the user's place, they say nothing. An alias does not say whether its
-- earlier id was a visitor's: it stands for one.
CREATE OR REPLACE VIEW identity_claims{{on_cluster}} AS
SELECT account_id, visitor_id, user_id, time
FROM events FINAL
WHERE user_id NOT IN ('', visitor_id)
UNION ALL
SELECT account_id, previous_id AS visitor_id, user_id, time
FROM identity_renames
COMMENT 'Each event that says who a visitor is; of an alias, visitor_id is the earlier id. As exact as what clients said: of all environments, previews and bots too {{mark}}'
