-- acts of one item; of all where item is empty.
SELECT *
FROM
(
    {{part "acts"}}
)
WHERE {item:String} = '' OR item_id = {item:String}
