-- Fills end_user_activity with each block of events.
CREATE MATERIALIZED VIEW IF NOT EXISTS end_user_activity_feed{{on_cluster}} TO end_user_activity AS
{{part "end_user_activity"}}
