-- Parts of events are merged when there are about a dozen of a size, not about five: each row is merged half as often, which saves a quarter to a third of ClickHouse's CPU.
-- Of what was stored lately there are up to twice as many parts; docs/decisions/small-inserts.md has what questions take. The model's tables, which most views read, and
-- whose rows are narrow, keep the default.
ALTER TABLE events{{on_cluster}}
    MODIFY SETTING merge_selector_base = 12
