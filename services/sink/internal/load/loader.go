package load

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// Settings bound the work.
type Settings struct {
	Region string
	// Rows, Bytes and Age each end a batch: rows counted, bytes of decompressed records, time since its first record.
	Rows  int
	Bytes int
	Age   time.Duration
	// Memory bounds the records and columns in hand over all partitions, in bytes.
	Memory int64
	// Inserts is how many inserts are under way at once.
	Inserts int64
	// Drain bounds the work on the batch in hand when a partition or the service ends.
	Drain time.Duration
	Fetch kafka.FetchOptions
	Group kafka.GroupConfig
	// EventsTopic holds enriched events, DeadTopic dead records.
	EventsTopic, DeadTopic string
	// AtLeastOnce stores without intents and tokens, and commits after the insert, as the plain loop does that a crash makes double: a
	// benchmark measures against it what exactly-once costs.
	AtLeastOnce bool
	// Step, unless nil, is called as a partition comes to each step of the protocol: formed, intended, replaying, readback, confirming,
	// inserting, searching, inserted, replacing, burying, buried, stored, settled. Tests kill the process there.
	Step func(name string)
}

// A Loader serves one region.
type Loader struct {
	Settings
	client   *kafka.Client
	fetcher  fetcher
	producer sender
	db       database
	log      *zap.Logger
	metrics  *metrics
	health   *telemetry.Health // nil: nobody asks
	memory   *semaphore.Weighted
	inserts  *semaphore.Weighted
	// claimHolds is how long an answer of the coordinator's may be relied on, lookHolds how long one of the table's.
	claimHolds, lookHolds time.Duration
	events                sync.Pool
	dead                  sync.Pool
	blind                 sync.Once
}

// table is the rows of one of the two tables.
type table interface {
	// Add appends the row of rec, which lies on the topic of the given id, unless marks say that it is a repetition, and returns marks with
	// its source. Errors are *event.Rejection.
	Add(rec *event.Record, topic uuid.UUID, marks checkpoint.Marks) (checkpoint.Marks, error)
	Len() int
	Table() string
	Insert() string
	Columns(from, to int) []clickhouse.Column
	Choose(rows []int) []clickhouse.Column
	// Place, Source, Origin, Month, Twin and ReceivedAt are about one row, IDs about some, Values and Span about all.
	Place(i int) rows.Place
	Source(i int) rows.Place
	Origin(i int) checkpoint.Source
	Month(i int) int
	Twin(i int) any
	ReceivedAt(i int) int64
	Values() []clickhouse.Column
	IDs(which []int) []uuid.UUID
	Span() rows.Span
	// Keep leaves the rows that which names.
	Keep(which []bool)
	Reset()
}

// database is the two tables in ClickHouse. Its errors are as clickhouse.Classify tells them apart.
type database interface {
	// Insert stores columns as one block under token. It is tried once; after an error the block may be stored all the same.
	Insert(ctx context.Context, statement, token string, columns []clickhouse.Column) error
	// Held returns the rows of table in span, and maybe others.
	Held(ctx context.Context, table string, span rows.Span) ([]rows.Held, error)
	// Latest returns the last event stored of a raw partition's log, and the highest offset that is stored of it under any epoch.
	Latest(ctx context.Context, topic uuid.UUID, partition int32) (last checkpoint.Source, highest int64, err error)
	// Gone returns how many of the events are no rows.
	Gone(ctx context.Context, ids []uuid.UUID) (int, error)
	// UnderWay counts the inserts of events that the server is busy with and that come from a partition of a topic, whose tokens begin with
	// its name.
	UnderWay(ctx context.Context, tokens string) (int, error)
	// Delete removes the rows of the n raw records up to last that have a lower epoch.
	Delete(ctx context.Context, partition int32, last checkpoint.Source, n int64) error
	// Views counts the materialized views of table; Remembers tells whether table surely knows the token of an insert since block.
	Views(ctx context.Context, table string) (uint64, error)
	Remembers(ctx context.Context, table string, block int64) (bool, error)
	// Unfit returns which rows' values of events' JSON columns are taken nowhere, in one look at all of them.
	Unfit(ctx context.Context, values []clickhouse.Column) ([]int, error)
	// Check returns nil when the tables are as this version needs them.
	Check(ctx context.Context) error
}

// fetcher reads a partition's log, as *kafka.Client does.
type fetcher interface {
	Log(ctx context.Context, topic string, partition int32) (kafka.Log, error)
	Bounds(ctx context.Context, log kafka.Log) (start, end int64, err error)
	Verify(ctx context.Context, log kafka.Log, at kafka.Position) error
	Fetch(ctx context.Context, log kafka.Log, offset int64, opts kafka.FetchOptions) (*kafka.Batch, error)
}

// sender writes to a topic, as *kafka.Producer does.
type sender interface {
	Send(ctx context.Context, topic string, recs []event.Record) error
}

// committer records an offset and metadata under a generation, as *kafka.Claim does.
type committer interface {
	Commit(ctx context.Context, offset int64, metadata string) error
}

// New makes a loader. What it is given stays the caller's.
func New(s Settings, client *kafka.Client, producer *kafka.Producer, db database, tel telemetry.Telemetry) (*Loader, error) {
	metrics, err := newMetrics(tel.Registry)
	if err != nil {
		return nil, err
	}
	l := newLoader(s, client, client, producer, db, tel.Log, metrics)
	l.health = tel.Health
	return l, nil
}

func newLoader(s Settings, client *kafka.Client, log fetcher, producer sender, db database, logger *zap.Logger, metrics *metrics) *Loader {
	// No other member can have been given a partition in less than a session or a rebalance.
	half := min(s.Group.SessionTimeout, s.Group.RebalanceTimeout) / 2
	return &Loader{
		claimHolds: half, lookHolds: half,
		Settings: s, client: client, fetcher: log, producer: producer, db: db, log: logger, metrics: metrics,
		memory: semaphore.NewWeighted(s.Memory), inserts: semaphore.NewWeighted(s.Inserts),
		events: sync.Pool{New: func() any { return rows.NewEvents() }},
		dead:   sync.Pool{New: func() any { return rows.NewDead() }},
	}
}

// Run loads until ctx ends, then finishes the batches in hand and returns nil. An error is an operator's to mend.
func (l *Loader) Run(ctx context.Context) error {
	return l.client.RunGroup(ctx, l.Group, func(ctx context.Context, claim *kafka.Claim) error { return l.consume(ctx, claim, claim) })
}

// pool returns where a topic's rows come from.
func (l *Loader) pool(topic string) *sync.Pool {
	if topic == l.DeadTopic {
		return &l.dead
	}
	return &l.events
}
