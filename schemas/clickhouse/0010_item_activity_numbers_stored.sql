-- Stores the numbers of rows that are there, and waits: reading computes them as well, but of columns that a filter reads first (PREWHERE) ClickHouse 26.7 computes them
-- wrongly. The views, which come after the migrations, find all of them stored.
ALTER TABLE item_activity{{on_cluster}}
    MATERIALIZE COLUMN item,
    MATERIALIZE COLUMN person,
    MATERIALIZE COLUMN interaction,
    MATERIALIZE COLUMN happened,
    MATERIALIZE COLUMN first_step,
    MATERIALIZE COLUMN last_step
SETTINGS mutations_sync = 2
