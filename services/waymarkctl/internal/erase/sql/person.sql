-- Rows of one account that a request means. Identifiers are compared by a digest under a salt that is thrown away: the statement stays in
-- system.mutations and in the server's logs, and must name nobody. Each list has an element that no digest is, so that none is empty.
-- An alias links two ids: whichever of them is meant, the link is.
account_id = @account
AND received_at <= fromUnixTimestamp64Milli(@until, 'UTC')
AND time >= fromUnixTimestamp64Milli(@from, 'UTC')
AND time < fromUnixTimestamp64Milli(@to, 'UTC')
AND (
    @everybody
    OR (length(@visitors) > 1 AND has(@visitors, left(hex(SHA256(concat(@salt, visitor_id))), 32)))
    OR (length(@users) > 1 AND has(@users, left(hex(SHA256(concat(@salt, user_id))), 32)))
    OR (event = 'alias' AND item_type = 'user' AND hasAny(arrayConcat(@visitors, @users), [left(hex(SHA256(concat(@salt, JSONExtractString(detail_text, 'previous_id')))), 32)]))
    OR (length(@companies) > 1 AND has(@companies, left(hex(SHA256(concat(@salt, company_id))), 32)))
)
