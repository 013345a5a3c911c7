-- Rows of events, each as an object of JSON: what the rig has ClickHouse write for its Kafka engine to read.
CREATE TABLE json_queue
(
{{columns}}
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = '{{brokers}}',
    kafka_topic_list = '{{topic}}',
    kafka_group_name = '{{group}}',
    kafka_format = 'JSONEachRow',
    kafka_num_consumers = 2,
    kafka_thread_per_consumer = 1,
    kafka_max_block_size = 100000,
    kafka_poll_max_batch_size = 20000,
    kafka_poll_timeout_ms = 100,
    kafka_flush_interval_ms = 1000,
    kafka_max_rows_per_message = 1
