// Package load moves records from Kafka into ClickHouse, each exactly once.
//
// A partition is a loop of its own, within one generation of the consumer group. Its only log is what it commits beside its offset
// (pkg/checkpoint). A committed offset C is in one of two states: idle, everything below C is stored; or open, it carries the intent
// [C, E): everything below C is stored, and of [C, E) any part may be.
//
//  1. form: fetch until the batch is large or old enough. It begins at C and ends at E.
//  2. intend: commit C with the intent [C, E). This also acknowledges the batch before, which ended at C: one commit a batch. A member
//     that lost its generation fails here, and has inserted nothing.
//  3. insert: one block under the token topic/partition/C-E. A row that ClickHouse refuses is found by halving: rows [i, j) of the batch
//     go under C-E/i-j. What cannot be stored goes to the dead topic.
//  4. the next batch's intent, or after a quiet moment a commit without one, acknowledges E.
//
// Whoever is given a partition with an open intent completes it before anything else: it reads exactly [C, E) again, makes the same rows,
// asks the table which of them it has, and inserts the others (replay.go). The same look comes before every further try of an insert that
// failed, because a failed insert may have landed.
//
// # Why every piece has one name
//
// ClickHouse stores each month's part of an insert or does not, and deduplicates by month and token. So the unit of repetition is
// (month, rows [i, j) of the batch [C, E)), and it always comes under the same token, whoever sends it: the whole batch, one month of
// it that is missing, half of it. A piece is sent again only when the table holds nothing of it, and a piece that a dead sink sent, and the server stores
// only after the look, is dropped or drops the other.
//
// # Crash points
//
//   - before 2 is answered: nothing was inserted. The commit may have been recorded, which is the next case.
//   - between 2 and 3: the intent is open and nothing of it is there. It is completed whole.
//   - during 3: of the pieces, those that landed are seen and left out; one still under way at the server is sent again under its own
//     token.
//   - during burying: the dead record may be written twice. Both have one source, and dead.go stores one row.
//   - between 3 and 4: all is there, nothing is sent again.
//   - after 4: the offset says so.
//
// # What a sink can do that no longer owns its partition
//
// It cannot commit: the coordinator refuses its generation. It may insert only while its last successful commit is younger than half a
// session (and half a rebalance), by the monotonic clock, which runs on while the process is stopped: within that time nobody else
// can have been given the partition. Later it commits the intent again first, and is refused. It may bury, which repeats at worst.
//
// What remains is a stop between that check and the write to the socket, or a packet that long in the network. Such an insert is a
// piece as above: it is dropped as long as ClickHouse remembers the token.
//
// # The deduplication window
//
// It is needed only for pieces that are under way at one moment, twice or beside a look; the last look is at most half a session old when
// an insert is sent. A double would take all of this at once: an insert that lands later than that, from a sink that died or was
// stopped meanwhile, and a window's worth of other blocks (10,000 by our migration) between the two. Whatever time lies between an intent and
// its completion is no matter.
//
// # Losses and repetitions that are not the sink's
//
// An enricher that dies between writing and committing writes again; its records carry the raw offset they came from (their source),
// and what does not come after the highest stored is left out. Offsets that retention deleted below an open intent, or inside it, are
// reported as lost, and what is left of it is completed. A materialized view whose part ClickHouse had not stored when it died does not
// get it later: ClickHouse drops the repeated block before its views see it.
//
// # Proof
//
// model_test.go runs these loops against a simulated broker and table, in any order of calls, faults, kills and stopped owners, and finds
// each of several broken protocols. The end-to-end tests kill and stop processes at every step against Kafka and ClickHouse's engine.
package load
