// Package stream moves a region's events from the raw topic to the enriched one: partition p to partition p, in order,
// each batch committed only when every event of it is acknowledged on the enriched topic or on the dead one, or left out
// as a client's repetition of one that is, or as somebody's who was erased.
//
// So nothing is lost, whatever dies when. After a crash the last batch comes again; the repeated records carry the raw
// offsets they had, and whoever reads the enriched topic drops what does not rise.
//
// # Parts
//
// claim.go is the loop: begin.go finds out where to go on, fetch.go and batch.go fill batches, forward.go makes them durable. A claim's parts own
// what no other may touch: the bookmark what is committed, and it alone commits; the enriching what a batch is made by, with the window of what
// passed; the output how far the enriched log is written; the outlook how far the sink has stored it; the burial the way to the dead topic.
//
// # Backlog and trickle
//
// What is known to wait is fetched at once. A partition that has caught up goes by rounds (kafka.Rounds), at most one every Settings.Gather: one
// request asks a leader for all of them, what came meanwhile is one batch, and as they are done at about the same time their commits go together
// (commits.go). So an event waits Gather at most before it is fetched, and the first one after a silence not at all. The order below is untouched:
// each claim has one fetch, one forward and one commit under way, and a joint commit is told to a claim only when its own part is stored.
//
// # Names
//
// An offset names no record. A topic that is deleted and made anew has another id (KIP-516), and its logs have the offsets of those before
// them; a log that lost its end in an unclean election uses offsets a second time, under a higher leader epoch (KIP-320). So an enriched
// record, and a dead letter, names its raw record by topic id, partition, leader epoch and offset, a fetch reads from one topic id only, and
// what is committed beside an offset says which log it is of.
//
// # What the enriched partition says
//
// Of one raw log, filtered by the high-water mark (only what comes after all before it: epochs first, then leader epochs, then offsets), an
// enriched partition holds each event once. That rests on one invariant: when a raw record is written for the first time in its epoch, every
// record before it on its log is settled: written here, or on the dead topic, or a repetition of one that is written. The loop keeps it by its
// order alone. A claim begins where all before is settled. A batch is forwarded after the one before it: its dead letters first, then its
// enriched records in order; the first failure ends the claim.
//
//	crash after           what the next owner finds        what it does
//	fetch, enrich         nothing                          the same again
//	bury                  dead letters, not committed      buries them again; the sink stores one for each name
//	some of produce       a part of the batch, from its    writes the batch again; the part there already does not rise
//	                      front, not committed
//	produce               the batch, not committed         writes it again; nothing of it rises
//	commit                all                              goes on behind it
//
// # Where a claim begins
//
// At the committed offset, where the log is the one that it was committed on and still has what lay before it. Otherwise resume decides, from
// what is known of this log by its id:
//
//	the raw topic was made anew             at its start, whatever its length, or after what is enriched of it already; what the one
//	                                        before held unread is told
//	the raw log was truncated               where it was cut
//	nothing is committed                    after the last source of this log that the enriched partition shows, or that the sink
//	                                        has; where there is none, at the log's start
//	an offset that another tool set         there: it is somebody's choice. What is skipped by it is told. Beyond the log's end,
//	                                        as where nothing is committed
//	the enriched log lost what was on it    where the sink had stored everything, as far as that was committed before; under a
//	                                        higher epoch, which is committed first
//
// That the enriched log lost something is known by its id, by its end, which never lies before what was written, and by the record before
// that place, which was made of a raw record before the committed offset. The running claim sees it by where its records come to lie; where
// none come, by a look every few seconds. Why the epoch rises: a former owner may still write far ahead under the old one, and what is
// enriched again would not rise above it. For the same reason nothing that the sink has read since counts: its mark may have passed over what
// was lost.
//
// What nobody can tell: an offset that a tool set names no log, and where the log is truncated between then and the claim, it is believed. If
// the group's offset is deleted, or set by another tool, after the enriched log lost something and before an owner began again for it, the
// evidence went with it, and what the log then shows counts. And a truncated enriched log that was filled up again to where it was known to
// reach before anybody looked, by a late batch or by one whose answer was lost, whoever wrote that, looks whole.
//
// # What a claim remembers
//
// A client that got no answer sends again, under the same event id and, being the same visitor, to the same partition. A claim
// remembers the events that passed lately (package recent) and leaves out a raw record whose event passed at a lower offset.
// Whatever its bytes say: the id is the client's promise. At the same offset it is the same record, read again after a crash or
// filled again after a bug, and passes. What passed from another raw log, or from a place that this one lost, is remembered before every
// offset: it passed before all that the log has. So is what passed on another partition and would be this one's now, since partitions were added lately.
//
// Leaving out is safe only while what is remembered reaches the enriched topic. Each of it is there when the claim begins, since
// it was read from there; or it is in a batch before the one that leaves out, or in the same one. Batches are forwarded in
// order, and none is committed before the events it left out others for are acknowledged. A failure in between ends the claim,
// and the window with it: the next claim knows nothing but what it reads. Only fill changes the window, in one goroutine.
//
// A former owner that does not know yet may still write while the window is read, or later; it cannot commit. What lands before
// the end that was read is remembered, each at its own offset, so that none of it makes the raw record it was made of a repetition.
// What lands later is not remembered, and is written again by the new owner, from the same offsets: whichever comes second does
// not rise. Nothing is lost by it, since the former owner too kept the order above.
//
// Two claims may decide differently on one raw record: the accounts file changed, or the window of the second reaches less far
// back. So the double of an event can pass in these cases: it comes again beyond the window (by Span or Events); it comes again
// under another key, on another partition, or on another one since partitions were added, and the first passed after this claim had looked there; it was dead to one claim, which then lost the partition and still wrote behind the next
// one's back; a former owner wrote it from a raw log, or from an end of one, that is gone, after the window was read. The events table collapses
// all of them but the second, by the event id, when it merges.
//
// # Who was erased
//
// A raw record that a tombstone means (pkg/erasure) is left out as a repetition is: its offset is committed, and it is counted, as erased. So is one
// that would become a dead letter. A batch is judged when it is filled, and again before it is forwarded where the tombstones have changed
// since, or are not known as of lately; until they are, the claim waits. What a request that was under way brings to the enriched topic
// after that the sink judges once more. An erased event is not remembered: its client's repetition, received later, is another
// event. One that is anonymised has a key of its own on the enriched topic, and is forgotten as well when the claim ends.
//
// # Epochs
//
// The epoch of every event is that of the committed offset's metadata (checkpoint.Enricher), and every commit hands it on. What
// sets the offset back to enrich anew raises it, and so does a claim that makes up for what the enriched log lost. It is never below one that
// the enriched partition or the sink shows for the raw log: what comes under a lower one is left out. Only records of the claim's own epoch
// are remembered: those of a lower one are there to be replaced. So an event before the place where enriching began anew, whose repetition
// lies behind it, is written in both epochs: the events table collapses them.
//
// # Time
//
// An enriched record carries the time of its writing: the topic's retention counts from it, and an event of last week is kept as long as one of
// today. When the event was received is in the record; none was received after it was written, so that seeking by the time of receipt
// passes over nothing.
package stream
