// Package erasure is how a person is kept out of what is stored, for good: the tombstones that say whom, and how services obey them.
//
// # Tombstones
//
// A tombstone says which events of an account are to be gone: those of one user, visitor or company, or of a span of time; received up to a
// moment, or whenever (Suppress). It is a record of the compacted topic erasures.<region>, the only memory of it: rows that are deleted come
// back from Kafka by a replay, a re-enrichment or a spool that is sent late, unless whoever would store them knows.
//
// It has no identifier, but the HMAC-SHA-256 of account, kind and identifier under the region's secret: whoever reads the topic learns neither
// who was erased nor, without the secret, whether somebody was. It names its secret by a fingerprint, so that a service that has another one
// knows that it would match nothing, and holds. Identifiers are compared byte by byte, as they were sent or as they are stored: "Ann" is not
// "ann", and an é of one character is not an e with an accent.
//
// Its key follows from what it says but for the moment, so that erasing again replaces it; of two records of one key the later moment counts.
// A record without a value lifts it.
//
// # The lease
//
// A View reads the whole topic, then follows it, and knows as of when it is complete. Whoever stores judges with a Set and stores only while
// that Set is the View's and the View was complete within Lease. Otherwise it waits, as for any failure that passes: the topic is on the
// Kafka that it reads from. So Lease after a tombstone was acknowledged by all in-sync replicas, nobody begins to store what it erases.
// What was begun before shows as inserts under way. What remains is a process that is stopped between looking at its lease and writing to
// the socket, and a broker that was deposed and does not know it, which answers as if it were whole.
//
// # Where nothing is configured
//
// Without a secret there can be no tombstones: a topic that is missing, or empty, is none. A topic with records and no secret, another secret, a
// record of a newer version, or a missing topic where there is a secret are an operator's to fix: the service is not ready, and touches nothing.
package erasure
