-- What is left of the person: what happened at another time, or was received later. Of anonymised events nobody knows whose they were: all of the time are
-- taken, and those that are in the model already change nothing there.
 AND e.time >= fromUnixTimestamp64Milli(@first, 'UTC') AND e.time < fromUnixTimestamp64Milli(@end, 'UTC')
 AND ({whose} OR (@anonymised AND account_id = @account AND visitor_id = toString(event_id)))
