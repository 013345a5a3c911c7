// Package reenrich sets a region's enrichers back to an earlier moment, under a higher epoch.
//
// The enrichers read the epoch from their committed offsets. What they then write comes after everything stored, so the sink takes
// it, and removes the rows of the lower epoch that it replaces. It is about the log that the raw topic has now: rows of an earlier topic of
// that name have no raw records any more, and stay as they are.
package reenrich

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/progress"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/walk"
)

// A Plan is where each partition of the raw topic goes on, and under which epoch.
type Plan struct {
	Region     string
	Epoch      uint32
	Partitions []Partition
	// Warnings say what the plan does not reach, or what may go wrong with it.
	Warnings []string

	topic uuid.UUID
}

// A Partition goes from Committed back to Offset.
type Partition struct {
	Partition         int32
	Committed, Offset int64
	// Again is how many records are enriched again.
	Again int64

	start int64
	state checkpoint.Enricher
}

// Make plans to enrich everything again that the edges received from the given time on. It refuses where the enrichers have to come to terms
// with their raw log first.
func Make(ctx context.Context, client *kafka.Client, region string, from time.Time) (*Plan, error) {
	topic := schemas.RawTopic(region)
	id, enrichers, err := progress.Enrichers(ctx, client, region)
	if err != nil {
		return nil, err
	}
	offsets, err := client.OffsetsAt(ctx, topic, from)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Region: region, topic: id}
	for i := range min(len(enrichers), len(offsets)) {
		e := &enrichers[i]
		switch {
		case e.Standing == progress.Elsewhere:
			return nil, fmt.Errorf("%s/%d was made anew and the enrichers have not begun with it: start them, wait until waymarkctl lag shows an offset, and stop them again",
				topic, e.Partition)
		case e.Cut:
			return nil, fmt.Errorf("%s/%d ends below the enrichers' offset %d: start them, wait until they have dealt with it, and stop them again",
				topic, e.Partition, e.Committed)
		}
		plan.Epoch = max(plan.Epoch, e.State.Epoch)
		committed := max(e.At, e.Start)
		to := max(min(offsets[i], committed), e.Start) // never forward: that would leave events out
		plan.Partitions = append(plan.Partitions, Partition{
			Partition: e.Partition, Committed: committed, Offset: to, Again: committed - to, start: e.Start, state: e.State,
		})
	}
	if err := plan.written(ctx, client); err != nil {
		return nil, err
	}
	plan.Epoch++
	return plan, plan.warn(ctx, client, from)
}

// written raises the epoch to what the enrichers have written and the sinks have stored: an enricher's offset that a tool set has lost its
// own, and what came under no higher one than is there would be left out.
func (p *Plan) written(ctx context.Context, client *kafka.Client) error {
	topic := schemas.EnrichedTopic(p.Region)
	id, sinks, err := progress.Sinks(ctx, client, p.Region, topic)
	if err != nil {
		return err
	}
	earlier := false
	for i := range sinks {
		for _, mark := range sinks[i].State.Marks {
			if mark.Topic == p.topic {
				p.Epoch = max(p.Epoch, mark.Epoch)
			} else {
				earlier = true
			}
		}
		log := kafka.Log{Topic: topic, ID: id, Partition: int32(i)}
		_, err := walk.Log(ctx, client, log, max(sinks[i].Start, sinks[i].End-last), sinks[i].End, func(rec *event.Record) error {
			var e event.Enriched
			if e.UnmarshalVT(rec.Value) == nil {
				p.Epoch = max(p.Epoch, e.Epoch)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if earlier {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s was made anew: rows of the earlier topic of that name have no raw records any more, and stay as they are",
			schemas.RawTopic(p.Region)))
	}
	return nil
}

// last is how many of the last enriched records are looked at. Epochs rise along a log, and so one would do, but for what others write there.
const last = 100

// rate is how many events a second a region is taken to enrich and to store again, at least: a tenth of what one core was measured to store.
const rate = 3_000

// warn says what the raw topic lacks, and whether the enriched topic keeps records long enough.
func (p *Plan) warn(ctx context.Context, client *kafka.Client, from time.Time) error {
	raw, enriched := schemas.RawTopic(p.Region), schemas.EnrichedTopic(p.Region)
	for _, partition := range p.Partitions {
		if partition.Offset > partition.start || partition.start == 0 {
			continue
		}
		// The log begins here: what lay before is deleted, unless the span begins here too.
		first, err := p.first(ctx, client, partition)
		if err != nil {
			return err
		}
		if first.After(from) {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s/%d begins at offset %d, received %s: what was received before is deleted there, and its rows stay as they are",
				raw, partition.Partition, partition.start, first.UTC().Format(time.RFC3339)))
		}
	}
	settings, err := client.TopicConfig(ctx, enriched, "retention.ms", "retention.bytes")
	if err != nil { // a user without the right to see it may still enrich again
		p.Warnings = append(p.Warnings, fmt.Sprintf("how long %s keeps records is not known: %v", enriched, err))
	}
	takes := time.Duration(p.Records()/rate) * time.Second
	if ms, err := strconv.ParseInt(settings["retention.ms"], 10, 64); err == nil && ms >= 0 && time.Duration(ms)*time.Millisecond < takes {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s keeps records for %s, and %d events may take %s: raise its retention.ms first, or what the sinks have not read by then is lost",
			enriched, time.Duration(ms)*time.Millisecond, p.Records(), takes))
	}
	if n, err := strconv.ParseInt(settings["retention.bytes"], 10, 64); err == nil && n >= 0 && p.Records() > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s keeps %d bytes a partition (retention.bytes): what the sinks have not read before more is written is lost", enriched, n))
	}
	return ctx.Err()
}

// first returns when the first record of a partition was received; now when there is none.
func (p *Plan) first(ctx context.Context, client *kafka.Client, partition Partition) (time.Time, error) {
	at := time.Now()
	errFound := errors.New("found")
	_, err := walk.Log(ctx, client, p.log(partition), partition.start, partition.start+1, func(rec *event.Record) error {
		at = time.UnixMilli(rec.Timestamp)
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return at, err
}

func (p *Plan) log(partition Partition) kafka.Log {
	return kafka.Log{Topic: schemas.RawTopic(p.Region), ID: p.topic, Partition: partition.Partition}
}

// Records counts what is enriched again.
func (p *Plan) Records() (n int64) {
	for _, partition := range p.Partitions {
		n += partition.Again
	}
	return n
}

// Apply commits the plan. The enrichers must be stopped: a running one commits its own offsets.
func (p *Plan) Apply(ctx context.Context, client *kafka.Client) error {
	at := make([]kafka.Commitment, len(p.Partitions))
	for i, partition := range p.Partitions {
		leaderEpoch, err := walk.EpochBefore(ctx, client, p.log(partition), partition.start, partition.Offset)
		if err != nil {
			return err
		}
		state := partition.state
		state.Epoch, state.Log, state.LeaderEpoch = p.Epoch, p.topic, leaderEpoch
		// Below its new offset everything is stored as it was; from there on it is to be enriched again, whatever becomes of the enriched log.
		state.Stored = min(state.Stored, partition.Offset)
		at[i] = kafka.Commitment{Partition: partition.Partition, Offset: partition.Offset, Metadata: state.String()}
	}
	err := admin.ResetGroup(ctx, client, schemas.EnricherGroup(p.Region), schemas.RawTopic(p.Region), at)
	if errors.Is(err, admin.ErrGroupActive) {
		return fmt.Errorf("enrichers of region %s run: stop them all first, wait for their session to end, and try again (%w)", p.Region, err)
	}
	return err
}
