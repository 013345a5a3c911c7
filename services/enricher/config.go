package enricher

import (
	"errors"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/geo"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/services/enricher/internal/stream"
)

// Config is the enricher's settings. One process serves one region.
type Config struct {
	process.Config `yaml:",inline"`
	// Region is the region it serves: 1–16 characters of a–z, 0–9. Required.
	Region string `yaml:"region"`
	// Kafka is the region's cluster.
	Kafka kafka.Config `yaml:"kafka"`
	// Accounts is the accounts file, read again when it changes. Required.
	Accounts string `yaml:"accounts"`
	// Geo names the databases of locations. Without any, locations stay empty.
	Geo       geo.Config `yaml:"geo"`
	UserAgent UserAgent  `yaml:"user_agent"`
	Time      Time       `yaml:"time"`
	Batch     Batch      `yaml:"batch"`
	// Group is the membership in the consumer group waymark-enricher.<region>.
	Group kafka.GroupConfig `yaml:"group"`
	// Producer writes to the enriched and the dead topic. An enriched record above its max_batch_bytes is a dead letter.
	Producer kafka.ProducerConfig `yaml:"producer"`
	Dedup    Dedup                `yaml:"dedup"`
	// Erasure has the secret of the region's tombstones.
	Erasure erasure.Config `yaml:"erasure"`
	// Pseudonyms makes the ids of accounts whose policy says pseudonymised.
	Pseudonyms Pseudonyms `yaml:"pseudonyms"`
}

// Pseudonyms says where the keys are that pseudonyms are made with.
type Pseudonyms struct {
	// Keys is the key ring's folder, read again when it changes. Default none: no account can have pseudonyms.
	Keys string `yaml:"keys"`
}

// Dedup bounds what each partition remembers of the events that passed, so that one a client sends again is left out. A partition
// takes up to 43 bytes for each of Events, growing with its traffic: 10 MB at the default. What comes again later than that, the
// events table collapses when it merges.
type Dedup struct {
	// Window is how long before the newest event one may have been received to be remembered, by the records' own times. Default 15m,
	// 1s–24h.
	Window time.Duration `yaml:"window"`
	// Events is how many are remembered at most. Default 250000, 0 (none: repetitions pass) to 10000000.
	Events int `yaml:"events"`
}

// UserAgent tunes the parsing of user agents.
type UserAgent struct {
	// CacheEntries is how many user agents are remembered. Default 50000, 1000–1000000.
	CacheEntries int `yaml:"cache_entries"`
}

// Time says which times are believed. What lies beyond is kept, set to the limit and flagged.
type Time struct {
	// MaxFuture is how far after its receipt an event may lie. Default 24h, 0–720h.
	MaxFuture time.Duration `yaml:"max_future"`
	// MaxPast is how far before its receipt an event may lie. Default 168h, 1h–8760h.
	MaxPast time.Duration `yaml:"max_past"`
}

// Batch bounds what is in hand. Each partition holds two batches, one being enriched while the other is produced. Twelve
// partitions with a full backlog were measured to take 170 MB at the defaults, twice that with FetchBytes 250000, at the same
// speed.
type Batch struct {
	// FetchBytes is how much, compressed, is fetched from a partition at once. Default 100000, 10000–50000000.
	FetchBytes int `yaml:"fetch_bytes"`
	// FetchWait is how long a broker waits for a first record. Default 500ms, 10ms–10s.
	FetchWait time.Duration `yaml:"fetch_wait"`
	// Gather is how long a partition without a backlog waits from one fetch to the next, so that events come together: an event may be
	// that much later. All partitions that wait are fetched by one request to each broker. Default 250ms, 0 (each by itself, at once) to 1s.
	Gather time.Duration `yaml:"gather"`
	// Drain bounds the work on the batch in hand when a partition or the service ends. Default 5s, 100ms to below
	// group.rebalance_timeout.
	Drain time.Duration `yaml:"drain"`
}

// DefaultConfig returns the defaults; Region, Kafka.Brokers and Accounts are left to be set.
func DefaultConfig() Config {
	return Config{
		Config:    process.DefaultConfig(),
		Kafka:     kafka.DefaultConfig(),
		Geo:       geo.DefaultConfig(),
		UserAgent: UserAgent{CacheEntries: 50_000},
		Time:      Time{MaxFuture: 24 * time.Hour, MaxPast: 7 * 24 * time.Hour},
		Batch:     Batch{FetchBytes: 100_000, FetchWait: 500 * time.Millisecond, Gather: 250 * time.Millisecond, Drain: 5 * time.Second},
		Group:     kafka.DefaultGroupConfig(),
		Producer:  kafka.DefaultProducerConfig(),
		Dedup:     Dedup{Window: 15 * time.Minute, Events: 250_000},
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
	if err := c.Kafka.Validate(); err != nil {
		return fmt.Errorf("kafka.%w", err)
	}
	if c.Accounts == "" {
		return errors.New("accounts: want the accounts file")
	}
	if err := c.Geo.Validate(); err != nil {
		return fmt.Errorf("geo.%w", err)
	}
	if err := c.Group.Validate(); err != nil {
		return fmt.Errorf("group.%w", err)
	}
	if err := c.Producer.Validate(); err != nil {
		return fmt.Errorf("producer.%w", err)
	}
	if err := c.Erasure.Validate(); err != nil {
		return fmt.Errorf("erasure.%w", err)
	}
	if c.Batch.Drain < 100*time.Millisecond || c.Batch.Drain >= c.Group.RebalanceTimeout {
		return errors.New("batch.drain: want 100ms to below group.rebalance_timeout")
	}
	const day = 24 * time.Hour
	return errors.Join(
		within("user_agent.cache_entries", c.UserAgent.CacheEntries, 1_000, 1_000_000),
		within("time.max_future", c.Time.MaxFuture, 0, 30*day),
		within("time.max_past", c.Time.MaxPast, time.Hour, 365*day),
		within("batch.fetch_bytes", c.Batch.FetchBytes, 10_000, 50_000_000),
		within("batch.fetch_wait", c.Batch.FetchWait, 10*time.Millisecond, 10*time.Second),
		within("batch.gather", c.Batch.Gather, 0, time.Second),
		within("dedup.window", c.Dedup.Window, time.Second, day),
		within("dedup.events", c.Dedup.Events, 0, 10_000_000),
	)
}

func within[T int | time.Duration](name string, value, least, most T) error {
	if value < least || value > most {
		return fmt.Errorf("%s: want %v–%v", name, least, most)
	}
	return nil
}

func (c Config) stream() stream.Settings {
	group := c.Group
	group.ID = "waymark-enricher." + c.Region
	return stream.Settings{
		Region: c.Region,
		Group:  group,
		// One record is enough to answer: a minimum of bytes delays a trickle by FetchWait.
		Fetch:          kafka.FetchOptions{MinBytes: 1, MaxBytes: c.Batch.FetchBytes, MaxWait: c.Batch.FetchWait},
		Gather:         c.Batch.Gather,
		MaxRecordBytes: c.Producer.MaxBatchBytes,
		Drain:          c.Batch.Drain,
		Window:         stream.Window{Span: c.Dedup.Window, Events: c.Dedup.Events},
	}
}
