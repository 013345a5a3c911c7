-- Rows of somebody who is meant, of events and of the model alike: it has their ids in its keys, so that no row of it is two people's. The ids are digests, as
-- in person.sql.
account_id = @account
AND (
    @everybody
    OR (length(@visitors) > 1 AND has(@visitors, left(hex(SHA256(concat(@salt, visitor_id))), 32)))
    OR (length(@users) > 1 AND has(@users, left(hex(SHA256(concat(@salt, user_id))), 32)))
    OR (length(@companies) > 1 AND has(@companies, left(hex(SHA256(concat(@salt, company_id))), 32)))
)
