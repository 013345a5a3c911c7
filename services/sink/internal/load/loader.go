package load

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// Settings bound the work.
type Settings struct {
	Region string
	// Batch says where a batch ends.
	Batch Limits
	// Memory bounds the records and columns in hand over all partitions, in bytes.
	Memory int64
	// Inserts is how many inserts are under way at once.
	Inserts int64
	// Drain bounds the work on the batch in hand when a partition or the service ends.
	Drain time.Duration
	Fetch kafka.FetchOptions
	// Group has the topics: that of enriched events, and DeadTopic.
	Group     kafka.GroupConfig
	DeadTopic string
	// Joint says that batches of several partitions go into the table as one block.
	Joint bool
}

// A Loader serves one region: it gives each claim of the group a loop, and what the loops share.
type Loader struct {
	settings Settings
	client   *kafka.Client
	erasures *erasure.View // nil: nobody was ever erased
	outside  outside
	shared   shared
	joining  joining
	tel      telemetry.Telemetry // its Health may be nil: nobody asks
	metrics  *metrics
	// claimHolds is how long an answer of the coordinator's may be relied on, lookHolds how long one of the table's.
	claimHolds, lookHolds time.Duration
}

// outside is what a partition works on.
type outside struct {
	log      fetcher
	producer sender
	tables   database
	commits  together
}

// joining is the joiner of the generation that there is.
type joining struct {
	mu         sync.Mutex
	generation int32
	joiner     *joiner
}

// shared is what all partitions have together.
type shared struct {
	budget *budget
	slots  *semaphore.Weighted
	events pool
	dead   pool
	blind  sync.Once
}

// database is the two tables in ClickHouse, as the parts need them. Its errors are as clickhouse.Classify tells them apart.
type database interface {
	inserts
	holdings
	examiner
}

// New makes a loader. What it is given stays the caller's; erasures must run.
func New(s Settings, client *kafka.Client, producer *kafka.Producer, db database, erasures *erasure.View, tel telemetry.Telemetry) (*Loader, error) {
	metrics, err := newMetrics(tel.Registry)
	if err != nil {
		return nil, err
	}
	l := newLoader(s, outside{client, producer, db, kafka.CommitTogether}, tel, metrics)
	l.client, l.erasures = client, erasures
	return l, nil
}

func newLoader(s Settings, o outside, tel telemetry.Telemetry, metrics *metrics) *Loader {
	// No other member can have been given a partition in less than a session or a rebalance.
	half := min(s.Group.SessionTimeout, s.Group.RebalanceTimeout) / 2
	return &Loader{
		settings: s, outside: o, tel: tel, metrics: metrics, claimHolds: half, lookHolds: half,
		shared: shared{
			budget: newBudget(s.Memory), slots: semaphore.NewWeighted(s.Inserts),
			events: pool{rows: sync.Pool{New: func() any { return rows.NewEvents() }}},
			dead:   pool{rows: sync.Pool{New: func() any { return rows.NewDead() }}, letters: true},
		},
	}
}

// Run loads until ctx ends, then finishes the batches in hand and returns nil. An error is an operator's to fix.
func (l *Loader) Run(ctx context.Context) error { return l.run(ctx, (*partition).store) }

// RunAtLeastOnce loads as Run does, but without intents and tokens, and commits after the insert, as the plain loop does that a crash makes
// double: a benchmark measures against it what exactly-once costs.
func (l *Loader) RunAtLeastOnce(ctx context.Context) error {
	l.settings.Joint = false
	return l.run(ctx, (*partition).storeAtLeastOnce)
}

func (l *Loader) run(ctx context.Context, store storing) error {
	return l.client.RunGroup(ctx, l.settings.Group, func(ctx context.Context, claim *kafka.Claim) error {
		return l.consume(ctx, claim, claim, store)
	})
}

// consume loads one partition until its generation ends. What it commits goes to commits.
func (l *Loader) consume(ctx context.Context, claim *kafka.Claim, commits committer, store storing) error {
	p, err := l.partition(ctx, claim, commits)
	if err != nil {
		return err
	}
	defer p.monitor.end()
	p.joiner.enter()
	defer p.joiner.leave()
	return p.load(ctx, store)
}

// joiner returns what joins a claim's batches with those of its generation's others; nil where nothing is joined.
func (l *Loader) joiner(claim *kafka.Claim) *joiner {
	if !l.settings.Joint || claim.Topic == l.settings.DeadTopic {
		return nil
	}
	l.joining.mu.Lock()
	defer l.joining.mu.Unlock()
	if l.joining.joiner == nil || l.joining.generation != claim.Generation {
		l.joining.generation, l.joining.joiner = claim.Generation, newJoiner(l.outside.commits, l.shared.slots, l.lookHolds)
	}
	return l.joining.joiner
}

// partition puts a claim's parts together. The fence alone gets what commits; whoever writes gets the fence as a permit.
func (l *Loader) partition(ctx context.Context, claim *kafka.Claim, commits committer) (*partition, error) {
	memory, err := recall(claim.Offset, claim.Metadata)
	if err != nil {
		return nil, err
	}
	s, tables := &l.settings, l.outside.tables
	log := l.tel.Log.With(zap.String("topic", claim.Topic), zap.Int32("partition", claim.Partition), zap.Int32("generation", claim.Generation))
	m := newMonitor(claim, log, l.metrics, l.tel.Health, traceOf(ctx))
	pressure := &pressure{set: s.Batch}
	pool := &l.shared.events
	if claim.Topic == s.DeadTopic {
		pool = &l.shared.dead
	}
	joiner := l.joiner(claim)
	p := &partition{
		reader: &reader{
			fetcher: l.outside.log, options: s.Fetch, budget: l.shared.budget, pool: pool, pressure: pressure, joiner: joiner, monitor: m,
			log: kafka.Log{Topic: claim.Topic, Partition: claim.Partition},
		},
		fence:    &fence{commits: commits, claim: claim, holds: l.claimHolds, monitor: m, offset: claim.Offset, memory: memory},
		readback: &readback{table: tables, topic: claim.Topic, partition: claim.Partition, blind: &l.shared.blind, monitor: m},
		burial:   &burial{producer: l.outside.producer, topic: s.DeadTopic, region: s.Region, monitor: m},
		joiner:   joiner, monitor: m, drain: s.Drain,
	}
	inserter := &inserter{table: tables, permit: p.fence, monitor: m, erasures: l.erasures, lookHolds: l.lookHolds}
	p.writer = &writer{
		permit: p.fence, readback: p.readback, inserter: inserter, slots: l.shared.slots, pressure: pressure, monitor: m, erasures: l.erasures,
		siblings: siblings{p.reader, s.Group.ID},
		sieve:    &sieve{inserter: inserter, readback: p.readback, table: tables, burial: p.burial, monitor: m},
	}
	return p, nil
}
