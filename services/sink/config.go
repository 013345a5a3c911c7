package sink

import (
	"errors"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/sink/internal/load"
)

// Config is the sink's settings. One process serves one region.
type Config struct {
	process.Config `yaml:",inline"`
	// Region is the region it serves: 1–16 characters of a–z, 0–9. Required.
	Region string `yaml:"region"`
	// Kafka is the region's cluster.
	Kafka kafka.Config `yaml:"kafka"`
	// ClickHouse is the region's database.
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Batch      Batch             `yaml:"batch"`
	// Memory bounds the records and columns in hand over all partitions, in bytes. Default 100663296 (96 MiB), at least
	// 8 × batch.fetch_bytes, at most 4294967296. A batch ends when there is none left. The process takes somewhat more than twice as much (MemoryLimit).
	Memory int64 `yaml:"memory"`
	// Inserts is how many inserts are under way at once. Default 2, 1–64.
	Inserts int64 `yaml:"inserts"`
	// Group is the membership in the consumer group waymark-sink.<region>.
	Group kafka.GroupConfig `yaml:"group"`
	// Producer writes dead records.
	Producer kafka.ProducerConfig `yaml:"producer"`
	// Erasure has the secret of the region's tombstones.
	Erasure erasure.Config `yaml:"erasure"`
}

// Batch says when rows are inserted: at the first of rows, bytes and age.
type Batch struct {
	// Rows ends a batch at so many. Default 20000, 1–1000000.
	Rows int `yaml:"rows"`
	// Bytes ends a batch at so many of decompressed records. Default 16777216, 1024–1073741824.
	Bytes int `yaml:"bytes"`
	// Age ends a batch at most so long after its first record, those of all partitions at one time. A sink inserts at most once in this time unless
	// a batch is full, which keeps the number of parts down. Default 1s, 10ms–5m.
	Age time.Duration `yaml:"age"`
	// Joint has the batches of a sink's partitions inserted together, as one block: rows and bytes are those of all of them then. Without it
	// each makes an insert of its own. Default true.
	Joint bool `yaml:"joint"`
	// FetchBytes is how much, compressed, is fetched from a partition at once. Default 524288, 10000–50000000.
	FetchBytes int `yaml:"fetch_bytes"`
	// FetchWait is how long a broker waits for a first record. Default 500ms, 10ms–10s.
	FetchWait time.Duration `yaml:"fetch_wait"`
	// Drain bounds the work on the batch in hand when a partition or the service ends. Default 10s, 100ms to below
	// group.rebalance_timeout.
	Drain time.Duration `yaml:"drain"`
}

// DefaultConfig returns the defaults; Region, Kafka.Brokers and ClickHouse.Addresses are left to be set.
func DefaultConfig() Config {
	return Config{
		Config: process.DefaultConfig(), Kafka: kafka.DefaultConfig(), ClickHouse: clickhouse.DefaultConfig(),
		Batch: Batch{
			Rows: 20_000, Bytes: 16 << 20, Age: time.Second, Joint: true,
			FetchBytes: 512 << 10, FetchWait: 500 * time.Millisecond, Drain: 10 * time.Second,
		},
		Memory: 96 << 20, Inserts: 2,
		Group: kafka.DefaultGroupConfig(), Producer: kafka.DefaultProducerConfig(),
	}
}

// Validate names the first setting that is wrong and what is accepted.
func (c Config) Validate() error {
	if err := c.ValidateFrame(); err != nil {
		return err
	}
	if err := config.CheckRegion(c.Region); err != nil {
		return fmt.Errorf("region: %w", err)
	}
	for _, part := range []struct {
		name string
		err  error
	}{
		{"kafka", c.Kafka.Validate()}, {"clickhouse", c.ClickHouse.Validate()}, {"group", c.Group.Validate()}, {"producer", c.Producer.Validate()},
		{"erasure", c.Erasure.Validate()},
	} {
		if part.err != nil {
			return fmt.Errorf("%s.%w", part.name, part.err)
		}
	}
	switch b := c.Batch; {
	case b.Rows < 1 || b.Rows > 1_000_000:
		return errors.New("batch.rows: want 1–1000000")
	case b.Bytes < 1024 || b.Bytes > 1<<30:
		return errors.New("batch.bytes: want 1024–1073741824")
	case b.Age < 10*time.Millisecond || b.Age > 5*time.Minute:
		return errors.New("batch.age: want 10ms–5m")
	case b.FetchBytes < 10_000 || b.FetchBytes > 50_000_000:
		return errors.New("batch.fetch_bytes: want 10000–50000000")
	case b.FetchWait < 10*time.Millisecond || b.FetchWait > 10*time.Second:
		return errors.New("batch.fetch_wait: want 10ms–10s")
	case b.Drain < 100*time.Millisecond || b.Drain >= c.Group.RebalanceTimeout:
		return errors.New("batch.drain: want 100ms to below group.rebalance_timeout")
	case c.Memory < 8*int64(b.FetchBytes) || c.Memory > 4<<30:
		return errors.New("memory: want 8 × batch.fetch_bytes to 4294967296")
	case c.Inserts < 1 || c.Inserts > 64:
		return errors.New("inserts: want 1–64")
	}
	return nil
}

// MemoryLimit is what the process may take before the collector works harder than the garbage calls for, in bytes: more than twice of what the
// settings let live, so that it never does.
func (c Config) MemoryLimit() int64 {
	const (
		besides   = 64 << 20 // twice what lives besides batches: connections, buffers of fetches, the program
		perInsert = 2 << 20  // twice what a block is compressed in
	)
	return 2*c.Memory + c.Inserts*perInsert + besides
}

func (c Config) load() load.Settings {
	group := c.Group
	group.ID = schemas.SinkGroup(c.Region)
	group.Topics = []string{schemas.EnrichedTopic(c.Region), schemas.DeadTopic(c.Region)}
	return load.Settings{
		Region: c.Region, Batch: load.Limits{Rows: c.Batch.Rows, Bytes: c.Batch.Bytes, Age: c.Batch.Age}, Memory: c.Memory, Inserts: c.Inserts, Drain: c.Batch.Drain,
		Fetch: kafka.FetchOptions{MinBytes: 1, MaxBytes: c.Batch.FetchBytes, MaxWait: c.Batch.FetchWait},
		Group: group, DeadTopic: schemas.DeadTopic(c.Region), Joint: c.Batch.Joint,
	}
}
