-- Visitors of others who named a person who is meant as who they were before: those events are erased, too, and what the model has of the visitors is made
-- anew.
SELECT DISTINCT visitor_id
FROM events
WHERE event = 'alias' AND item_type = 'user' AND {person} AND NOT ({whose})
LIMIT 10000
