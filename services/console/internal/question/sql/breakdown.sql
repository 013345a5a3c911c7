-- Who are they, and on what?
-- Users and events by country, city, browser, operating system, device, page, language or company.
SELECT
    value,  -- text
    users,  -- users
    events  -- count
FROM breakdown(account = {account:String}, from = {from:Date}, to = {to:Date}, audience = {audience:String}, by = {by:String})
ORDER BY users DESC, value
