-- What aliases say: that an earlier id, a visitor's or a user's, is a user from now on.
--
-- Where nobody is known, the visitor's own id stands in the user's place: an alias of two anonymous ids names no user. The text is read as waymarkctl erase
-- reads it. FINAL: what a re-enrichment replaces, under another policy perhaps, says nothing.
CREATE OR REPLACE VIEW identity_renames{{on_cluster}} AS
SELECT account_id, previous_id, user_id, time
FROM
(
    SELECT account_id, user_id, time, JSONExtractString(detail_text, 'previous_id') AS previous_id
    FROM events FINAL
    WHERE item_type = 'user' AND event = 'alias' AND user_id NOT IN ('', visitor_id)
)
WHERE previous_id NOT IN ('', user_id)
COMMENT 'Each alias: an earlier id, a visitor''s or a user''s, and the user that it is. As exact as what clients said; there are none where the account''s identification is hashed or pseudonymised, since ids in texts are not stored {{mark}}'
