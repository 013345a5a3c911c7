// Package kafka is how Waymark's services talk to Kafka: it and the packages below it alone know github.com/segmentio/kafka-go.
//
//	kafka             a Client; what moves records (Producer, Fetch, RunGroup), what names them (Log, Verify), and what says how far they go
//	kafka/admin       what an operator's tool does: topics, lag, groups' offsets; nothing that moves events may import it
//	kafka/topicaudit  whether topics are configured to keep what is written to them
//
// kafka-go does what is hard to get right about a cluster: connections, TLS, SASL, metadata, routing to leaders and coordinators.
// The records' own path is this package's: produce and fetch requests are encoded and decoded in internal/wire, one buffer
// a request, and go through kafka-go's Transport as raw exchanges. So do those of the group protocol (RunGroup says why). Measured against the library's Reader and Writer that
// takes a fifth to a third of the CPU, and it allows what they do not: commits that carry metadata and are bound to their
// generation, a fetch loop that dies with it, one batch in flight per partition, and one request for those of a leader that are ready together.
//
// # What Produce and Send promise
//
// nil means that every in-sync replica has every record (acks=all). After an error nothing is certain: a request whose
// answer was lost may have been stored. Both repeat a request whose failure may pass, until the delivery timeout.
//
// A request sent again is stored once, and the records of one partition in the order of the calls: batches carry producer id,
// epoch and sequence (KIP-98), by which a leader knows what it has, also after it restarted or another took over. What a call
// that ended with an error leaves under way may still be stored, but only until this producer's next batch of the partition is
// (KIP-360): never after it. Where an error made the caller call again, both may be there; the sink tells them by raw offset,
// the enricher by event id.
//
// One double is left to the producer itself: the answer was lost and so was what the leader knew of the producer (an unclean election,
// an id that expired in a day's silence, records deleted). The batch is then sent again, since a double can be told and a loss
// cannot be fixed; waymark_kafka_producer_unsure_resends_total counts it.
//
// Without ProducerConfig.Idempotent every request whose answer was lost is stored twice.
//
// # What a Claim promises
//
// The handler of a partition runs while this member owns it. When the generation ends, the handler's context ends; the
// member rejoins only after every handler has returned. A commit under a generation that is over fails with ErrFenced.
//
// # What readiness means
//
// Client.Reach tells whether the topics' leaders can be connected to, Client.CheckGroups whether groups and fetches get on,
// topicaudit's Audit.Check whether the topics keep what is written to them. Each answers with one sentence, before its context ends.
//
// # Tests
//
// What needs a broker is tested in services/local/kafkatest, against the embedded one and, under the build tag apachekafka, Apache Kafka's own;
// what takes several brokers in services/local/engines/apachekafka. The embedded engines stay out of this module that way.
package kafka
