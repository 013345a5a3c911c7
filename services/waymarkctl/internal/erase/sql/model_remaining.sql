-- Whether events has anything that the model's rows are to be made of again.
SELECT count()
FROM events AS e
WHERE 1{remaining}
