-- One row, if there is any of another account. The key begins with the account, so that neither answer takes long.
SELECT 1
FROM {database:Identifier}.{table:Identifier}
WHERE account_id != {account:String}
LIMIT 1
