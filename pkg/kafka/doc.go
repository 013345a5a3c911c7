// Package kafka is how Waymark's services talk to Kafka: the only package that knows github.com/segmentio/kafka-go.
//
// kafka-go does what is hard to get right about a cluster: connections, TLS, SASL, metadata, routing to leaders, the group
// protocol. The records' own path is this package's: produce and fetch requests are encoded and decoded here, one buffer
// a request, and go through kafka-go's Transport as raw exchanges. Measured against the library's Reader and Writer that
// takes a fifth to a third of the CPU, and it allows what they do not: commits that carry metadata and are bound to their
// generation, a fetch loop that dies with it, and one produce request in flight per partition.
//
// # What Produce and Send promise
//
// nil means that every in-sync replica has every record (acks=all). After an error nothing is certain: a request whose
// answer was lost may have been stored. Both repeat a request whose failure may pass, until the delivery timeout; a
// request that was stored although its answer was lost is then stored twice. Records of one partition are stored in the order
// of the calls, since a partition has one request in flight; only a request whose context ended while it was under way may still
// be stored after the next one. The sink tells such a latecomer by its source.
//
// # What a Claim promises
//
// The handler of a partition runs while this member owns it. When the generation ends, the handler's context ends; the
// member rejoins only after every handler has returned. A commit under a generation that is over fails with ErrFenced.
package kafka
