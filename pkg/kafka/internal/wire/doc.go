// Package wire is Kafka's protocol as bytes (https://kafka.apache.org/protocol): record batches, and the requests that kafka-go does not make as they
// are needed. A request is a protocol.Message that writes itself and reads its answer (RawExchange), so that kafka-go's Transport routes it and keeps
// the connections.
package wire
