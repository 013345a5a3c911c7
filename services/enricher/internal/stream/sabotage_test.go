package stream

import (
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A sabotage takes away one safeguard.
type sabotage string

const (
	sound          sabotage = ""
	noFence        sabotage = "an old generation may commit"
	logsByName     sabotage = "logs are known by their names"
	noVerify       sabotage = "nobody asks whether a log was truncated"
	blindProduce   sabotage = "where records came to lie is not looked at"
	noEnrichedID   sabotage = "the enriched topic's id is not committed"
	noWritten      sabotage = "how far the enriched log was written is not committed"
	commitsAhead   sabotage = "what is stored is taken to be what is committed"
	sameEpoch      sabotage = "enriching again does not raise the epoch"
	raisesLater    sabotage = "the raised epoch is not committed before records are written under it"
	latest         sabotage = "where nothing is committed it begins at the end"
	oldOffset      sabotage = "an offset is used on a log that was made anew"
	stalls         sabotage = "an offset beyond the end is believed"
	silentForward  sabotage = "what is skipped is not told"
	silentAnew     sabotage = "what the log before held is not told"
	ownOffsets     sabotage = "events of another log are remembered at their offsets"
	forgetsWindow  sabotage = "nothing is remembered"
	zeroEpoch      sabotage = "the sink's and the tail's epoch are no evidence"
	staleCutOffset sabotage = "after a truncation it goes on at the committed offset"
	oldLeader      sabotage = "the enriched log is not verified again under a new leader"
)

var sabotages = []sabotage{
	noFence, logsByName, noVerify, blindProduce, noEnrichedID, noWritten, commitsAhead, sameEpoch, raisesLater, latest, oldOffset, stalls,
	silentForward, silentAnew, ownOffsets, forgetsWindow, zeroEpoch, staleCutOffset, oldLeader,
}

// tamper changes what is committed.
func (w *world) tamper(offset int64, metadata string) (int64, string) {
	at, err := checkpoint.ParseEnricher(metadata)
	if err != nil {
		panic(err)
	}
	switch w.broken {
	case noEnrichedID:
		at.Enriched = uuid.Nil
	case noWritten:
		at.Written = 0
	case commitsAhead:
		at.Stored = offset
	}
	return offset, at.String()
}

// blind takes evidence away.
func (w *world) blind(e evidence) evidence {
	switch w.broken {
	case zeroEpoch:
		e.tail.Epoch, e.mark.Epoch = 0, 0
	}
	return e
}

// misdecide changes what was decided.
func (w *world) misdecide(e evidence, d decision) decision {
	has := func(cause string) bool {
		for _, r := range d.reports {
			if r.cause == cause {
				return true
			}
		}
		return false
	}
	at := func(offset int64) { d.Position = kafka.Position{Offset: offset, LeaderEpoch: kafka.NoLeaderEpoch} }
	switch w.broken {
	case sameEpoch:
		if has(causeEnrichedLost) {
			d.epoch--
		}
	case raisesLater:
		d.commit = false
	case latest:
		if e.committed < 0 {
			at(e.raw.end)
		}
	case oldOffset:
		if has(causeRawAnew) && e.committed >= 0 && e.committed <= e.raw.end {
			at(e.committed)
		}
	case stalls:
		if has(causeBeyond) {
			at(e.committed)
		}
	case silentForward, silentAnew:
		for i, r := range d.reports {
			if r.cause == map[sabotage]string{silentForward: causeForward, silentAnew: causeRawAnew}[w.broken] {
				d.reports[i].lost = false
			}
		}
	case staleCutOffset:
		if has(causeRawCut) && e.committed <= e.raw.end {
			at(e.committed)
		}
	}
	return d
}

// falsify changes what the enriched partition shows.
func (w *world) falsify(b *kafka.Batch) {
	switch w.broken {
	case forgetsWindow:
		b.Records = nil
	case ownOffsets:
		for i := range b.Records {
			var e event.Enriched
			if e.UnmarshalVT(b.Records[i].Value) == nil && w.raw != nil && uuid.UUID(e.RawTopicId) != w.raw.id {
				e.RawTopicId = w.raw.id[:]
				b.Records[i].Value, _ = e.MarshalVT()
			}
		}
	}
}
