package stream

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/enricher/internal/recent"
)

// An enriching makes what a batch holds of raw records: on one raw log, under one epoch, remembering what passed lately.
type enriching struct {
	enrich  Enrich
	region  string
	most    int // bytes of an enriched record
	metrics *metrics
	raw     kafka.Log
	epoch   uint32         // of every event
	recent  *recent.Window // changed by fill only
}

// A batch is what one fetch became. Its memory is used again for the next one.
type batch struct {
	fetched  *kafka.Batch   // raw records; the records below alias its buffers
	from     int64          // offset fetched from
	next     kafka.Position // to fetch next
	enriched []event.Record
	sources  []*event.Record // the raw record of each enriched one
	dead     []deadRecord
	repeated int // raw records left out: a client's repetitions
	erased   int // raw records left out: somebody's who was erased
	bytes    int // of the enriched values
	values   arena
	erasures *erasure.Set // that the batch was judged by

	now time.Time // of the filling
	raw event.Raw
	out event.Enriched
}

// A deadRecord remembers why, for the metrics and for a second try without the value.
type deadRecord struct {
	event.Record
	source *event.Record
	stage  string
	why    *event.Rejection
}

// release gives the fetched buffers back; nothing of the batch may be used afterwards.
func (b *batch) release() {
	if b.fetched != nil {
		b.fetched.Release()
		b.fetched = nil
	}
	b.clear()
}

func (b *batch) clear() {
	b.enriched, b.sources, b.dead, b.repeated, b.erased, b.bytes = b.enriched[:0], b.sources[:0], b.dead[:0], 0, 0, 0
	b.values.reset()
}

// fill makes one enriched or dead record of each raw one that is no repetition and nobody's who was erased. The error is a bug, found at the
// raw offset; the batch can then be filled anew: what by remembers of it by now is at the same offsets, and so no repetition of it.
func (b *batch) fill(by *enriching) (offset int64, err error) {
	b.clear()
	b.now = time.Now()
	for i := range b.fetched.Records {
		rec := &b.fetched.Records[i]
		if err := b.add(by, rec); err != nil {
			return rec.Offset, err
		}
	}
	return 0, nil
}

// add enriches one record. A panic in a stage becomes an error, so that it holds one partition and not the process.
func (b *batch) add(by *enriching, rec *event.Record) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("stage gave up: %v\n%s", cause, debug.Stack())
		}
	}()
	if err := event.ParseRaw(rec, &b.raw); err != nil {
		return b.reject(by, rec, event.StageDecode, err)
	}
	if by.recent.Repeats(b.raw.EventID, rec.Key, rec.Offset) {
		b.repeated++
		return nil
	}
	if err := by.enrich(&b.raw, &b.out); err != nil {
		return b.reject(by, rec, stageOf(err), err)
	}
	verdict := b.judge(rec, &b.out)
	if verdict == erasure.Drop { // and not remembered: what it would leave a repetition out for is not there
		b.erased++
		return nil
	}
	b.out.EnrichedAt, b.out.Epoch = b.now.UnixMilli(), by.epoch
	b.out.RawTopicId, b.out.RawLeaderEpoch = by.raw.ID[:], rec.LeaderEpoch
	value := b.values.take(b.out.SizeVT())
	if _, err := b.out.MarshalToSizedBufferVT(value); err != nil {
		return fmt.Errorf("encode enriched event: %w", err)
	}
	key := keyOf(rec, &b.out, verdict)
	if size := framed(&event.Record{Key: key, Value: value}); size > by.most {
		return b.reject(by, rec, event.StageEnrich, event.Reject(event.ReasonTooLarge, fmt.Errorf("the enriched record has %d bytes, of at most %d", size, by.most)))
	}
	b.bytes += len(value)
	// The record's time is when it is written: the topic's retention counts from it, and what is enriched late is kept as long as the rest.
	b.enriched = append(b.enriched, event.Record{Partition: rec.Partition, Timestamp: b.now.UnixMilli(), Key: key, Value: value, Headers: enrichedHeaders})
	b.sources = append(b.sources, rec)
	by.recent.Add(b.raw.EventID, rec.Key, rec.Offset, b.raw.ReceivedAt)
	by.metrics.age.Observe(b.now.Sub(time.UnixMilli(b.raw.ReceivedAt)).Seconds())
	return nil
}

// framed is what an enriched record takes in a batch, at most: a record's frame is some forty bytes
// (https://kafka.apache.org/documentation/#record), the header twenty.
func framed(rec *event.Record) int { return len(rec.Value) + len(rec.Key) + 64 }

var enrichedHeaders = []event.Header{{Key: event.HeaderSchema, Value: []byte(event.SchemaEnriched)}}

// reject adds a dead record for rec when err is permanent, unless its person was erased, and returns err when it is a bug.
func (b *batch) reject(by *enriching, rec *event.Record, stage string, err error) error {
	rejection := event.AsRejection(err)
	if rejection == nil {
		return err
	}
	if b.judge(rec, nil) == erasure.Drop {
		b.erased++
		return nil
	}
	letter := b.letter
	if rejection.Reason == event.ReasonNotCollected {
		letter = b.name
	}
	dead, err := letter(by, rec, stage, rejection, rec.Value)
	if err != nil {
		return err
	}
	b.dead = append(b.dead, deadRecord{dead, rec, stage, rejection})
	return nil
}

// name makes the dead record of an event that the account's policy does not collect: it says which raw record was left out and why, so that every
// record has its place in the tables, and has nothing of the event: no value, no headers, and no key, which names the visitor.
func (b *batch) name(by *enriching, rec *event.Record, stage string, why *event.Rejection, _ []byte) (event.Record, error) {
	bare := *rec
	bare.Key, bare.Value, bare.Headers = []byte(b.raw.AccountID), nil, nil
	return b.letter(by, &bare, stage, why, nil)
}

// letter makes the dead record of rec, which b.raw was read from. value is rec's, or nil where it must be left out.
func (b *batch) letter(by *enriching, rec *event.Record, stage string, why *event.Rejection, value []byte) (event.Record, error) {
	burial := event.Burial{Region: by.region, Stage: stage, Topic: by.raw.Topic, TopicID: by.raw.ID, Why: why}
	dead := burial.Dead(rec, time.Now())
	dead.Value, dead.AccountId, dead.ReceivedAt = value, b.raw.AccountID, b.raw.ReceivedAt
	if b.raw.EventID != uuid.Nil {
		dead.EventId = b.raw.EventID[:]
	}
	return dead.Record(b.values.take(dead.SizeVT()))
}

// stageOf tells whether an event was refused for what it is or for what is known of it.
func stageOf(err error) string {
	if r := event.AsRejection(err); r != nil {
		switch r.Reason {
		case event.ReasonUnknownAccount, event.ReasonWrongRegion, event.ReasonUnknownItemType, event.ReasonUnknownEvent, event.ReasonNotCollected:
			return event.StageEnrich
		}
	}
	return event.StageDecode
}
