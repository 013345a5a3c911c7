-- Fills item_activity with each block of events.
CREATE MATERIALIZED VIEW IF NOT EXISTS item_activity_feed{{on_cluster}} TO item_activity AS
{{part "item_activity"}}
