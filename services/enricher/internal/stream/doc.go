// Package stream moves a region's events from the raw topic to the enriched one: partition p to partition p, in order,
// each batch committed only when every event of it is acknowledged on the enriched topic or on the dead one, or left out
// as a client's repetition of one that is.
//
// So nothing is lost, whatever dies when. After a crash the last batch comes again; the repeated records carry the raw
// offsets they had, and whoever reads the enriched topic drops what does not rise.
//
// # What the enriched partition says
//
// Filtered by the high-water mark (only what comes after all before it, epochs first, then raw offsets), an enriched partition
// holds each event once. That rests on one invariant: when a record of raw offset X is written for the first time in its epoch,
// every raw record before X is settled: written here, or on the dead topic, or a repetition of one that is written here. The
// loop keeps it by its order alone. A claim begins at a committed offset, before which all is settled. A batch is forwarded
// after the one before it: its dead letters first, then its enriched records in order; the first failure ends the claim.
//
//	crash after           what the next owner finds        what it does
//	fetch, enrich         nothing                          the same again
//	bury                  dead letters, not committed      buries them again; the sink stores one for each place
//	some of produce       a part of the batch, from its    writes the batch again; the part there already does not rise
//	                      front, not committed
//	produce               the batch, not committed         writes it again; nothing of it rises
//	commit                all                              goes on behind it
//
// # What a claim remembers
//
// A client that got no answer sends again, under the same event id and, being the same visitor, to the same partition. A claim
// remembers the events that passed lately (package recent) and leaves out a raw record whose event passed at a lower offset.
// Whatever its bytes say: the id is the client's promise. At the same offset it is the same record, read again after a crash or
// filled again after a bug, and passes.
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
// under another key, on another partition; it was dead to one claim, which then lost the partition and still wrote behind the next
// one's back. The events table collapses all of them but the second, by the event id, when it merges.
//
// # Epochs
//
// The epoch of every event is that of the committed offset's metadata (checkpoint.Enricher), and every commit hands it on. What
// sets the offset back to enrich anew raises it. Only records of the claim's own epoch are remembered: those of a lower one are
// there to be replaced. So an event before the place where enriching began anew, whose repetition lies behind it, is written in
// both epochs: the events table collapses them.
package stream
