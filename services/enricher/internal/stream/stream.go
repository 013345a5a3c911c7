package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
)

// Settings of a Stream.
type Settings struct {
	Region string
	Group  kafka.GroupConfig
	Fetch  kafka.FetchOptions
	// Gather is how long a partition that is caught up waits from fetch to fetch, so that records come together, and partitions go together; 0
	// fetches them as they come.
	Gather time.Duration
	// MaxRecordBytes is the largest enriched record to produce; a larger one is a dead letter.
	MaxRecordBytes int
	// Drain bounds the work on the batch in hand once a claim or the service ends. It must lie below the group's
	// rebalance timeout.
	Drain time.Duration
	// Window bounds what each claimed partition remembers, to know clients' repetitions.
	Window Window
}

// A Window is the newest Events events of a partition, of which those count that were received within Span before the newest. 0
// events: repetitions pass.
type Window struct {
	Span   time.Duration
	Events int
}

// Enrich makes out from raw. A *event.Rejection is permanent; any other error is a bug.
type Enrich func(raw *event.Raw, out *event.Enriched) error

// What the loop asks of a cluster; a model of one stands in for it in model_test.go.
type (
	reader interface {
		Partitions(ctx context.Context, topic string) (int, error)
		Offsets(ctx context.Context, topic string) ([]kafka.PartitionOffsets, error)
		OffsetsAt(ctx context.Context, topic string, at time.Time) ([]int64, error)
		Log(ctx context.Context, topic string, partition int32) (kafka.Log, error)
		Verify(ctx context.Context, log kafka.Log, at kafka.Position) error
		fetcher
		Committed(ctx context.Context, group, topic string) ([]kafka.Commitment, error)
	}
	fetcher interface {
		Fetch(ctx context.Context, log kafka.Log, offset int64, opts kafka.FetchOptions) (*kafka.Batch, error)
	}
	writer interface {
		Produce(ctx context.Context, topic string, partition int32, recs []event.Record) (int64, error)
		Send(ctx context.Context, topic string, recs []event.Record) error
	}
)

// A Stream is the enricher's loop.
type Stream struct {
	settings Settings
	topics   topics
	client   *kafka.Client
	reader   reader
	rounds   fetcher // for partitions that are caught up; nil for the reader
	writer   writer
	enrich   Enrich
	erasures *erasure.View
	resume   func(evidence) decision
	log      *zap.Logger
	metrics  *metrics
	held     held
	progress progress
	sink     lookout
}

// Topics are the region's.
type topics struct{ raw, enriched, dead string }

// New returns a Stream; Run starts it. It adds its readiness to tel.Health. What erasures names is left out.
func New(s Settings, client *kafka.Client, producer *kafka.Producer, enrich Enrich, erasures *erasure.View, tel telemetry.Telemetry) (*Stream, error) {
	m, err := newMetrics(tel.Registry)
	if err != nil {
		return nil, err
	}
	st := &Stream{
		settings: s, topics: topics{schemas.RawTopic(s.Region), schemas.EnrichedTopic(s.Region), schemas.DeadTopic(s.Region)},
		client: client, reader: client, writer: producer, enrich: enrich, erasures: erasures, resume: resume, log: tel.Log, metrics: m,
	}
	if s.Gather > 0 {
		st.rounds = client.NewRounds(s.Gather)
	}
	st.settings.Group.Topics = []string{st.topics.raw}
	tel.Health.Check("topics", st.checkPartitions)
	tel.Health.Check("enrichment", st.held.check)
	tel.Health.Check("progress", st.progress.check)
	return st, nil
}

// Run works until ctx ends, then finishes the batches in hand and returns nil. An error is an operator's to fix.
func (s *Stream) Run(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		return endOr(ctx, err)
	}
	joint := newJointCommits(kafka.CommitTogether)
	var committing sync.WaitGroup
	committing.Go(joint.run)
	err := s.client.RunGroup(ctx, s.settings.Group, func(ctx context.Context, c *kafka.Claim) error { return s.consume(ctx, c, joint.of(c)) })
	joint.end()
	committing.Wait()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("consume %s: %w", s.topics.raw, err)
	}
	return nil
}

// start waits for the cluster and its topics, which may come up later than we do, but not for topics that do not fit each
// other: those need somebody's hand.
func (s *Stream) start(ctx context.Context) error {
	var misfit error
	err := persist(ctx, retrying(s.metrics, s.log, "partitions"), func() error {
		err := s.checkPartitions(ctx)
		if errors.Is(err, errPartitionCounts) {
			misfit, err = err, nil
		}
		if err == nil && misfit == nil {
			_, err = s.reader.Log(ctx, s.topics.raw, 0) // a cluster that knows no topic ids is told now
		}
		return err
	})
	return errors.Join(err, misfit)
}

// errPartitionCounts means that raw and enriched topic differ in partitions: raw partition p would have no enriched
// partition p, and raw offsets of two partitions would mix in one.
var errPartitionCounts = errors.New("the raw and the enriched topic must have the same number of partitions")

func (s *Stream) checkPartitions(ctx context.Context) error {
	raw, err := s.reader.Partitions(ctx, s.topics.raw)
	if err != nil {
		return fmt.Errorf("count partitions of %s: %w", s.topics.raw, err)
	}
	enriched, err := s.reader.Partitions(ctx, s.topics.enriched)
	if err != nil {
		return fmt.Errorf("count partitions of %s: %w", s.topics.enriched, err)
	}
	if raw != enriched {
		return fmt.Errorf("%w: %s has %d, %s has %d; waymarkctl topics apply fixes it", errPartitionCounts, s.topics.raw, raw, s.topics.enriched, enriched)
	}
	if _, err := s.reader.Partitions(ctx, s.topics.dead); err != nil {
		return fmt.Errorf("count partitions of %s: %w", s.topics.dead, err)
	}
	return nil
}
