-- Fills visitor_activity with each block of events.
CREATE MATERIALIZED VIEW IF NOT EXISTS visitor_activity_feed{{on_cluster}} TO visitor_activity AS
{{part "visitor_activity"}}
