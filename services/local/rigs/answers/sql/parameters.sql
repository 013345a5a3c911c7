-- What an account's questions are about: its most played walk-thru, its most active user who is known, its most frequent own event.
SELECT
    assumeNotNull((SELECT item_id FROM events WHERE account_id = @account AND item_type = 'walkthru' AND raw_partition = 0 GROUP BY item_id ORDER BY countIf(event = 'play') DESC, item_id LIMIT 1)) AS item,
    assumeNotNull((SELECT user_id FROM events WHERE account_id = @account AND user_id != visitor_id AND raw_partition = 0 GROUP BY user_id ORDER BY count() DESC, user_id LIMIT 1)) AS user,
    assumeNotNull((SELECT JSONExtractString(detail_text, 'name') AS name FROM events WHERE account_id = @account AND item_type = 'custom' AND raw_partition = 0 GROUP BY name ORDER BY count() DESC, name LIMIT 1)) AS goal
