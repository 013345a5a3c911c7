-- Stores the numbers of rows that are there, and waits: views must not read them computed, as with item_activity's.
ALTER TABLE visitor_activity{{on_cluster}}
    MATERIALIZE COLUMN person
SETTINGS mutations_sync = 2
