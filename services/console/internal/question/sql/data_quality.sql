-- Can the figures be trusted?
-- What of the data is not as it should be, or is left out of rates: dead letters by reason, clamped times, cut fields, bots, previews, late events, doubles.
SELECT
    check,  -- text
    detail, -- text
    events  -- count
FROM data_quality(account = {account:String}, from = {from:Date}, to = {to:Date})
ORDER BY check, events DESC, detail
