package stream

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A batch is what one fetch became. Its memory is used again for the next one.
type batch struct {
	fetched  *kafka.Batch   // raw records; the records below alias its buffers
	from     int64          // offset fetched from
	next     kafka.Position // to fetch next
	enriched []event.Record
	sources  []*event.Record // the raw record of each enriched one
	dead     []deadRecord
	repeated int // raw records left out: a client's repetitions
	bytes    int // of the enriched values
	values   arena

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
	b.enriched, b.sources, b.dead, b.repeated, b.bytes = b.enriched[:0], b.sources[:0], b.dead[:0], 0, 0
	b.values.reset()
}

// fill makes one enriched or dead record of each raw one that is no repetition. The error is a bug, found at the raw offset; the
// batch can then be filled anew: what the claim remembers of it by now is at the same offsets, and so no repetition of it.
func (b *batch) fill(c *claim) (offset int64, err error) {
	b.clear()
	for i := range b.fetched.Records {
		rec := &b.fetched.Records[i]
		if err := b.add(c, rec); err != nil {
			return rec.Offset, err
		}
	}
	return 0, nil
}

// add enriches one record. A panic in a stage becomes an error, so that it holds one partition and not the process.
func (b *batch) add(c *claim, rec *event.Record) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("stage gave up: %v\n%s", cause, debug.Stack())
		}
	}()
	if err := event.ParseRaw(rec, &b.raw); err != nil {
		return b.reject(c, rec, event.StageDecode, err)
	}
	if c.recent.Repeats(b.raw.EventID, rec.Key, rec.Offset) {
		b.repeated++
		return nil
	}
	if err := c.enrich(&b.raw, &b.out); err != nil {
		return b.reject(c, rec, stageOf(err), err)
	}
	now := time.Now()
	b.out.EnrichedAt, b.out.Epoch = now.UnixMilli(), c.epoch
	b.out.RawTopicId, b.out.RawLeaderEpoch = c.raw.ID[:], rec.LeaderEpoch
	value := b.values.take(b.out.SizeVT())
	if _, err := b.out.MarshalToSizedBufferVT(value); err != nil {
		return fmt.Errorf("encode enriched event: %w", err)
	}
	if size := framed(&event.Record{Key: rec.Key, Value: value}); size > c.MaxRecordBytes {
		return b.reject(c, rec, event.StageEnrich, event.Reject(event.ReasonTooLarge, fmt.Errorf("the enriched record has %d bytes, of at most %d", size, c.MaxRecordBytes)))
	}
	b.bytes += len(value)
	// The record's time is when it is written: the topic's retention counts from it, and what is enriched late is kept as long as the rest.
	b.enriched = append(b.enriched, event.Record{Partition: rec.Partition, Timestamp: now.UnixMilli(), Key: rec.Key, Value: value, Headers: enrichedHeaders})
	b.sources = append(b.sources, rec)
	c.recent.Add(b.raw.EventID, rec.Key, rec.Offset, b.raw.ReceivedAt)
	c.metrics.age.Observe(now.Sub(time.UnixMilli(b.raw.ReceivedAt)).Seconds())
	return nil
}

// framed is what an enriched record takes in a batch, at most: a record's frame is some forty bytes
// (https://kafka.apache.org/documentation/#record), the header twenty.
func framed(rec *event.Record) int { return len(rec.Value) + len(rec.Key) + 64 }

var (
	enrichedHeaders = []event.Header{{Key: event.HeaderSchema, Value: []byte(event.SchemaEnriched)}}
	deadHeaders     = []event.Header{{Key: event.HeaderSchema, Value: []byte(event.SchemaDead)}}
)

// reject adds a dead record for rec when err is permanent, and returns err when it is a bug.
func (b *batch) reject(c *claim, rec *event.Record, stage string, err error) error {
	rejection := event.AsRejection(err)
	if rejection == nil {
		return err
	}
	bury := b.bury
	if rejection.Reason == event.ReasonNotCollected {
		bury = b.name
	}
	dead, err := bury(c, rec, stage, rejection, rec.Value)
	if err != nil {
		return err
	}
	b.dead = append(b.dead, deadRecord{dead, rec, stage, rejection})
	return nil
}

// name makes the dead record of an event that the account's policy does not collect: it says which raw record was left out and why, so that every
// record has its place in the tables, and has nothing of the event: no value, no headers, and no key, which names the visitor.
func (b *batch) name(c *claim, rec *event.Record, stage string, why *event.Rejection, _ []byte) (event.Record, error) {
	bare := *rec
	bare.Key, bare.Value, bare.Headers = []byte(b.raw.AccountID), nil, nil
	return b.bury(c, &bare, stage, why, nil)
}

// bury makes the dead record of rec, which b.raw was read from. value is rec's, or nil where it must be left out.
func (b *batch) bury(c *claim, rec *event.Record, stage string, why *event.Rejection, value []byte) (event.Record, error) {
	now := time.Now().UnixMilli()
	dead := event.Dead{
		Reason: string(why.Reason), Stage: stage, Error: why.Err.Error(), Region: c.Region,
		AccountId: b.raw.AccountID, ReceivedAt: b.raw.ReceivedAt, FailedAt: now,
		Topic: c.Topic, TopicId: c.raw.ID[:], Partition: rec.Partition, LeaderEpoch: rec.LeaderEpoch, Offset: rec.Offset,
		Key: rec.Key, Value: value,
	}
	if b.raw.EventID != uuid.Nil {
		dead.EventId = b.raw.EventID[:]
	}
	for _, h := range rec.Headers {
		dead.Headers = append(dead.Headers, &event.DeadHeader{Key: h.Key, Value: h.Value})
	}
	text := b.values.take(dead.SizeVT())
	if _, err := dead.MarshalToSizedBufferVT(text); err != nil {
		return event.Record{}, fmt.Errorf("encode dead record: %w", err)
	}
	return event.Record{Timestamp: now, Key: rec.Key, Value: text, Headers: deadHeaders}, nil
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
