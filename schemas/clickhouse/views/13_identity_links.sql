-- Who visitors were: a row for each visitor and each user that events name together, and for each two ids that an alias links.
CREATE OR REPLACE VIEW identity_links{{on_cluster}} AS
SELECT account_id, visitor_id, user_id, min(time) AS first_seen, max(time) AS last_seen
FROM identity_claims
GROUP BY account_id, visitor_id, user_id
COMMENT 'Each visitor with each user that events name together, first and last; of an alias, visitor_id is the earlier id, a visitor''s or a user''s. Doubles and late events change nothing but the times; as exact as what clients said {{mark}}'
