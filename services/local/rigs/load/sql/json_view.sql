CREATE MATERIALIZED VIEW json_view TO events AS SELECT * FROM json_queue
