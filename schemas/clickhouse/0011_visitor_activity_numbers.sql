-- The user as a number, for the views that count users over whole accounts: see item_activity's numbers. MATERIALIZED, and of the key's columns.
ALTER TABLE visitor_activity{{on_cluster}}
    ADD COLUMN IF NOT EXISTS person UInt64 MATERIALIZED cityHash64(if(user_id = '', visitor_id, user_id))
        COMMENT 'Hash of the user, of the visitor where there is none'
