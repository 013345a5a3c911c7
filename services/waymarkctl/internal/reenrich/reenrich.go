// Package reenrich sets a region's enrichers back to an earlier moment, under a higher epoch.
//
// The enrichers read the epoch from their committed offsets. What they then write comes after everything stored, so the sink takes
// it, and removes the rows of the lower epoch that it replaces.
package reenrich

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
)

// A Plan is where each partition of the raw topic goes on, and under which epoch.
type Plan struct {
	Region     string
	Epoch      uint32
	Partitions []Partition
}

// A Partition goes from Committed back to Offset.
type Partition struct {
	Partition         int32
	Committed, Offset int64
	// Again is how many records are enriched again.
	Again int64
}

// Make plans to enrich everything again that the edges received from the given time on.
func Make(ctx context.Context, client *kafka.Client, region string, from time.Time) (*Plan, error) {
	topic, group := schemas.RawTopic(region), schemas.EnricherGroup(region)
	offsets, err := client.OffsetsAt(ctx, topic, from)
	if err != nil {
		return nil, err
	}
	lag, err := client.Lag(ctx, group, topic)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Region: region}
	for _, p := range lag {
		state, err := checkpoint.ParseEnricher(p.Metadata)
		if err != nil {
			return nil, fmt.Errorf("%s/%d: %w", topic, p.Partition, err)
		}
		plan.Epoch = max(plan.Epoch, state.Epoch+1)
		committed := max(p.Committed, p.Start)
		to := min(offsets[p.Partition], committed) // never forward: that would leave events out
		plan.Partitions = append(plan.Partitions, Partition{Partition: p.Partition, Committed: committed, Offset: to, Again: committed - to})
	}
	return plan, nil
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
		at[i] = kafka.Commitment{Partition: partition.Partition, Offset: partition.Offset, Metadata: checkpoint.Enricher{Epoch: p.Epoch}.String()}
	}
	err := client.ResetGroup(ctx, schemas.EnricherGroup(p.Region), schemas.RawTopic(p.Region), at)
	if errors.Is(err, kafka.ErrGroupActive) {
		return fmt.Errorf("enrichers of region %s run: stop them all first, wait for their session to end, and try again (%w)", p.Region, err)
	}
	return err
}
