// Package load moves records from Kafka into ClickHouse, each exactly once, whatever becomes of log, group and table.
//
// A partition is a loop of its own, within one generation of the consumer group. Its only log is what it commits beside its offset
// (pkg/checkpoint): its memory. An offset C is committed in one of two states: idle, everything below C is stored; or open, it carries the
// intent [C, E): everything below C is stored, and of [C, E) any part may be.
//
//  1. form: fetch until the batch is large or old enough. It begins at C and ends at E.
//  2. intend: commit C with the intent [C, E). This also acknowledges the batch before, which ended at C: one commit a batch. A member
//     that lost its generation fails here, and has inserted nothing.
//  3. replace, after a re-enrichment only: delete the rows of earlier epochs that the batch stands for (supersede.go).
//  4. insert: one block under one token. What cannot be stored goes to the dead topic.
//  5. the next batch's intent, or after a quiet moment a commit without one, acknowledges E.
//
// Whoever is given a partition with an open intent completes it before anything else: it reads exactly [C, E) again, makes the same rows,
// asks the table which of them it has, and inserts the others (complete.go). The same look comes before every further try of an insert that
// failed, because a failed insert may have landed.
//
// An open intent says two things more. Halved: parts of the batch may have been sent under tokens of their own; it is committed before the
// first of them is. Replacing: rows of earlier epochs may be deleted already, and only this batch brings their successors.
//
// # Joint batches
//
// Each insert costs ClickHouse a part for each month, and parts are merged again and again. So, where it is set (Settings.Joint), what partitions have
// ready at one time goes in as one block (joiner.go, joint.go). All batches of a generation end at common ticks of their age, and at the limits of what they
// have together. One partition gathers those that are ready and as usual (no dead letters, nothing in doubt, replaced, repeated, rejected or withheld), commits
// all their intents by one request, each with the composition of the joint batch, and inserts all rows under a joint token, a digest of the batches' tokens.
// Each partition's next intent, or a commit without one, acknowledges its own.
//
// That the block was acknowledged means that it is stored, unless somebody has fenced it (below) before it came: ClickHouse acknowledges what
// it drops. Only members of a later generation do, and then no commit of this one succeeds any more; or partitions of this one, once the joint batch
// is dissolved. An attempt that failed is repeated whole while the table has nothing of the block, or whole months and surely remembers their
// token. Otherwise, or when it is refused, or somebody in it is erased, it is dissolved.
//
// Then, and after a crash or a rebalance, each partition's batch is its owner's matter (share.go). First the owner sends the whole block again, made of all
// partitions' records, which anybody may read: under its token it lands once in the table and in each view, whoever sends it, however often and however late. It may do so
// while every other partition agrees (siblings.agree): its intent is open and has not given the block up; or it has gone on beyond it, in the era that it had, and has
// given up none since that ended at or behind it. That a partition has given one up (Halved) must not be forgotten with the intent: its memory keeps where the last of these
// ended (Fenced), until no open intent names one of them any more. Memory that begins anew has another era, and so names its batch of that block otherwise than the block's digest has it.
//
// Where the whole cannot be sent (records have gone or cannot be read, somebody is to be withheld, a row is refused, part of a month is there, the token may be
// forgotten, somebody does not agree), and the table does not have the batch's rows already, the owner gives it up: it says so in the intent, and fences. It sends its
// own rows of the months of which nothing is there under the joint token. From then on ClickHouse drops the joint block in these months, however late it
// comes; if another owner's fence, or the block, was first it drops this one. So the table is asked again, and what it lacks goes in under the batch's own
// token, by the rules of a halved intent. A fence is not believed to be stored because it was acknowledged. Rows that ClickHouse refuses cannot fence:
// neither can a block land that has them.
//
// A view takes the first block under a token that it meets, whatever rows that has and whatever the table took of it (services/local/engines/chdb holds that), and so a
// fence may take the place of others' rows there, or of its own in another month. Whoever gives a block up says that views are unsure of its batch; whoever has sent
// the whole again looks once more whether all agree, and says so if not.
//
// # Parts
//
// partition.go is these steps; each part of it owns what no other may touch:
//
//	reader    the place in the log, the memory for batches, how large they are      fetches and forms batches, takes them back
//	fence     the committed offset and memory, until when they surely hold          alone commits: intends, halves, settles, confirms
//	readback  what the tables are asked                                             which rows, marks and inserts there are
//	writer    the bound on batches under way, the tries                             stores a delivery, completes what landed in part
//	sieve     which rows the table refuses, and whose error that is                 halves, judges; its inserter sends each piece
//	burial    the way to the dead topic                                             buries
//	joiner    what the partitions of a generation have ready                        gathers and stores joint batches
//	siblings  -                                                                     read other partitions' records of a joint batch
//	erasures  who was erased, and as of when that is known                          lets rows pass, hides or withholds them
//
// A writer has the fence as a permit: it can have its right to write confirmed, and say that it halves, but commit nothing else. What is known of
// one batch travels with it: batch (what was read), delivery (what was tried), refusals (what was not taken).
//
// # Names
//
// An offset names no record. A topic that is deleted and made anew uses its offsets again under another id (KIP-516), and so does a log that
// lost its end in an unclean election, under a higher leader epoch (KIP-320). So a raw record is named by topic id, partition, leader
// epoch and offset; the enriched record that was made of it carries that name, the row has it as columns, and the table is asked by it. A log
// is read by its topic's id, and an election, or an error of a fetch, has the log looked at before more of it is read.
//
// A mark says how far one raw log is stored: up to the last source stored, in the order of the re-enrichment's epoch, leader epoch and
// offset. An enriched record that is not after its log's mark is an enricher's repetition, and left out. The memory keeps the marks of the
// eight raw logs that came last.
//
// # Where a partition goes on
//
// resume decides from what is committed, the topic's id, the log's bounds, and where the log parts from what the memory speaks of:
//
//	committed                                 on the log                  begins at             knows
//	memory of this log                        holds all of it             C                     all: an intent is completed
//	memory of this log                        cut off at or above C,      C                     the marks, in doubt
//	                                          inside the intent
//	memory of this log                        cut off below C             the cut               the marks, in doubt if an intent was open
//	memory of this log, replacing             cut off inside the intent   the log's start       nothing
//	                                          or below C
//	memory of another log of that name        –                           the log's start       the marks, in doubt if an intent was open
//	an offset without memory, as tools set    inside the bounds           there                 nothing
//	an offset without memory                  outside                     the log's start       nothing
//	nothing                                   –                           the log's start       nothing
//
// Everything but the first and the last row is said in the log and counted (waymark_sink_resumed_total); where a tool set the offset, with the
// offsets that are passed over. Offsets of the versions that knew logs by their names alone are offsets without memory. A log that
// changes under the running loop is met by a fetch: what is stored is committed, and the loop begins again from what it remembers.
//
// Where something is not known the table is asked. A raw log without a mark gets an empty one, and with it a doubt: the last source that the
// table has of this log. Until the marks have passed it each row may be stored or not, so each batch asks for its rows by their names. Going
// back therefore costs time and never doubles. The doubt is committed with the mark, for the next owner.
//
// An insert that a former owner sent, and that the server is still busy with, is not in the table yet, and comes under a token that
// what is inserted next does not repeat. So before such a doubt is taken, and before the batch of a halved intent is looked at, the loop waits
// until system.processes shows no insert of this partition. It shows those of one user at the server that is asked; a user without the right to
// look is warned once, and then only time speaks for there being none: a session at least.
//
// # Why every piece has one name
//
// ClickHouse stores each month's part of an insert or does not, and deduplicates by month and token. So the unit of repetition is
// (month, rows [i, j) of the batch [C, E)), and it always comes under the same token, whoever sends it: the whole batch, one month of
// it that is missing, half of it. A piece is sent again only when the table holds nothing of it, and a piece that a dead sink sent, and the
// server stores only after the look, is dropped or drops the other.
//
// The token is topic/topic id/partition/era/C-E@leader epoch, and /i-j for a half; /without and a digest of their places when rows are left
// out that ClickHouse takes nowhere. The leader epoch at E makes it the name of the batch's
// contents, since no other records of the log can end there under it. The era is a new one each time that the loop could not simply go on
// from its memory: what is read again then may have been stored before and deleted since, by an operator, and the table must not take it for
// a repetition of that.
//
// What ClickHouse refuses for its values is found in one look at the values of the whole batch, and the others are one piece: a batch of refused
// rows costs two inserts. A row that is refused for any other reason is found by halving. A whole block, what is left of it and its halves have
// different names, so the table could hold a row twice: once such parts were sent, which the intent calls halved, the whole is sent again
// only if, with no insert under way, the table has none of its rows.
//
// # Who was erased
//
// What a tombstone means (pkg/erasure) is withheld: the row keeps its place in the batch, so that pieces keep their names, and is left out of
// what is sent. Rows are judged before each try, and each piece is sent only under tombstones that are known as of lately and have not changed
// since; otherwise the batch is looked at once more, or waits. A row that is withheld is acknowledged with its batch, and becomes no dead letter. withhold.go has
// what ClickHouse makes of a piece that landed before, and why views may then lack a block.
//
// # Crash points
//
//   - before 2 is answered: nothing was inserted. The commit may have been recorded, which is the next case.
//   - between 2 and 4: the intent is open and nothing of it is there. It is completed whole, the deletion of 3 included, which changes
//     nothing when it is repeated.
//   - between the commit that says halved, and the halves: as before; the whole is tried once more.
//   - during 4: of the pieces, those that landed are seen and left out; one still under way at the server is sent again under its own
//     token.
//   - after the table stored the block, before its views did: see below.
//   - during burying: the dead record may be written twice. Both name one source, and repeats.go stores one row.
//   - between 4 and 5: all is there, nothing is sent again, but to heal views.
//   - after 5: the offset says so.
//   - of a joint batch: before its intents are committed, as before; some of them may have been recorded. Between them and its insert, or during it: each
//     owner sends it again whole, or fences and completes. Between fence and fill: what is lacking goes in by the next owner.
//
// # Materialized views
//
// ClickHouse stores a block in the table before it pushes it to the views that hang on it, so that a crash, or an error of the view's, leaves
// them without it. The whole block sent again under the same token goes into the views that lack it, and the table drops it. That is done
// wherever a batch is completed of which the table has rows, and the table has views; but only while the table surely remembers the token:
// while less than half of its deduplication window has gone by, counted in the table's own block numbers, since the oldest part that holds a
// row of the batch (store.Remembers). A replicated table's window is one of time too, and nothing is sure. Nor is anything after halving.
// Then the table gets what it lacks, the views do not, and that is said: an error in the log, and waymark_sink_views_unsure_total.
//
// Where the memory is gone less can be done. The batch of an open intent on a log that was made anew or cut off cannot be made again, and
// nobody knows of the intent of a group whose offset is gone: the warning says that views may lack some of what was inserted last. A batch in
// doubt is cut otherwise than what is stored of it was: it is healed only by the process that sent all of it when the table had none of it, and
// otherwise said to be unsure. Views are not corrected by a re-enrichment, and those of the dead topic's table are never healed.
//
// # Whose error a refusal is
//
// Errors that time fixes hold the batch; errors of rights, settings and missing tables stop the sink (clickhouse.Classify). The others name
// values, and may still be an operator's, who has changed the table, constrained it, or hung a view on it. It is the operator's, and stops the
// sink with nothing buried (sieve.go, judge.go), when
//
//   - the server names the view that failed, or the table has views and holds rows of the block that it refused;
//   - a column that is filled is missing, takes no values, or has a type that does not store them as they are; or the table has no
//     deduplication window (clickhouse.CheckTable);
//   - rows are refused that have nothing wrong with them, and the table takes nothing else either: after 32 such rows, or when all others have
//     been tried, it has taken none since the first of them, nor takes again, under its token, the piece that it took just before. That is a
//     constraint, a default that throws, a type that an operator has chosen.
//
// Whether something is wrong with rows ClickHouse is asked: it casts their two JSON columns, the only ones whose values the types do not settle,
// outside of the table and its rules (store.Unfit). Where it cannot be asked, error 117 (INCORRECT_DATA) of a single row tells. Rows with bad
// values become dead letters. Nothing that a client can send is known to be one: clickhouse.Object sees to that. A sound one is tried again when all others are stored, and becomes a dead
// letter only if the table takes others and still not this one. Log and dead letter have ClickHouse's code, not its sentence,
// which may quote the row.
//
// # What an acknowledgement is worth
//
// Servers have reported inserts as done that were not. Once a minute a partition reads the batch back that it has just stored (sample.go). It
// can only alarm: what is missing was acknowledged, and is still in Kafka.
//
// # What a sink can do that no longer owns its partition
//
// It cannot commit: the coordinator refuses its generation. It may insert or delete only while its last successful commit is younger than half
// a session (and half a rebalance), by the monotonic clock, which runs on while the process is stopped: within that time nobody else
// can have been given the partition. Later it commits the intent again first, and is refused. It may bury, which repeats at worst.
//
// What remains is a stop between that check and the write to the socket, or a packet that long in the network. Such an insert is a
// piece as above: it is dropped as long as ClickHouse remembers the token. One that was sent from a memory that is gone since is not.
//
// # The deduplication window
//
// It is needed for views, and for pieces that are under way at one moment, twice or beside a look; the last look is at most half a session old
// when an insert is sent. A double would take all of this at once: an insert that lands later than that, from a sink that died or was
// stopped meanwhile, and a window's worth of other blocks (10,000 by our migration) between the two. Whatever time lies between an intent and
// its completion is no matter.
//
// # What is left to the operator
//
//   - What a tool's offset passes over is not stored, and where a topic made anew lost records that nobody had enriched, nobody can. Both are
//     said; waymarkctl audit lists them.
//   - What the enriched log lost unstored the enricher writes again (services/enricher/internal/stream). The loop relies on it.
//   - Offsets that retention deleted below an open intent, inside it, or before they were read, are counted and logged as lost; what is left of
//     the intent is completed. Offsets without a record inside the log, as compaction leaves them, are counted too.
//   - Views that are said to lack a block, and rows that a sample misses.
//   - Inserts under way that another server of a cluster holds, or another user's, are not seen where the memory is gone.
//
// # Proof
//
// world_test.go runs these loops against a simulated log, coordinator, table with a view, and enricher, in any order of calls, answers lost,
// kills and stopped owners, while topics are made anew, logs cut off, groups forgotten, offsets set, months dropped, and a view or a constraint
// refuses. model_test.go looks afterwards: each event is in the table once or was given up, nothing sound was given up, and the view has what
// the table has, once, unless a sink said so. A run is not held to this last where a batch was halved, or rows were replaced: a third of the
// runs has neither. It fails when a state in its list is never reached, and it finds each of twenty protocols that are broken on purpose.
// world_joint_test.go and model_joint_test.go do the same with three partitions that change hands among sinks that join their batches, with joint blocks
// that nobody sees on their way and that land late, owners that cannot read the others' records, and fourteen broken protocols: logs and groups keep their
// identity there. There the view is compared but for the batches of which a sink said that it is unsure.
// `make simulate` runs it for longer. The simulation lets an insert that is under way land before the window has passed over it, and has one
// partition and one server. The end-to-end tests kill and stop processes at every step against Kafka and ClickHouse's engine.
package load
