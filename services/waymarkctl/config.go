package waymarkctl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/export"
)

// Config says where the regions are. Its environment variables start with WAYMARK_WAYMARKCTL_.
type Config struct {
	// Regions by name.
	Regions map[string]Region `yaml:"regions"`
	// Edge is the base URL that `send` posts to. Default http://127.0.0.1:8080.
	Edge string `yaml:"edge"`
	// Accounts is the accounts file, for what is asked of accounts' policies. Default none.
	Accounts string `yaml:"accounts"`
	// Keys is the key ring's folder, for what is done to keys of pseudonyms. Default none.
	Keys string `yaml:"keys"`
}

// Region is one region's Kafka and ClickHouse.
type Region struct {
	Kafka      kafka.Config `yaml:"kafka"`
	ClickHouse ClickHouse   `yaml:"clickhouse"`
	// S3 is where exports to s3://… go.
	S3 export.S3 `yaml:"s3"`
	// Erasure has the secret of the region's tombstones, the same as its enrichers' and sinks'.
	Erasure erasure.Config `yaml:"erasure"`
}

// ClickHouse is a region's database, and how its tables are made.
type ClickHouse struct {
	clickhouse.Config `yaml:",inline"`
	// HTTP is the URL of ClickHouse's HTTP interface, which exports read from. Default: port 8123 of the first address, or 8443 with TLS.
	HTTP   string            `yaml:"http"`
	Tables clickhouse.Tables `yaml:"tables"`
}

// WithDefaults fills in what is zero.
func (c ClickHouse) WithDefaults() ClickHouse {
	return ClickHouse{Config: c.Config.WithDefaults(), HTTP: c.HTTP, Tables: c.Tables.WithDefaults()}
}

// Validate names the first setting that is wrong.
func (c ClickHouse) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return err
	}
	if c.HTTP != "" && !strings.HasPrefix(c.HTTP, "http://") && !strings.HasPrefix(c.HTTP, "https://") {
		return errors.New("http: want an http:// or https:// URL")
	}
	if c.TLS.Enabled && strings.HasPrefix(c.HTTP, "http://") {
		return errors.New("http: want an https:// URL, since tls.enabled is true: the password goes over it, too")
	}
	if err := c.Tables.Validate(); err != nil {
		return fmt.Errorf("tables.%w", err)
	}
	return nil
}

// DefaultConfig knows no region; without one, the two of waymark-local are assumed (see local).
func DefaultConfig() *Config { return &Config{Edge: "http://127.0.0.1:8080"} }

// LocalSecret is waymark-local's erasure.secret, which everybody knows.
const LocalSecret = "waymark-local has no secrets: everybody may read this"

// local is where waymark-local's regions are with its default flags.
func local() map[string]Region {
	region := func(database string) Region {
		return Region{
			Kafka:      kafka.Config{Brokers: []string{"127.0.0.1:9092"}},
			ClickHouse: ClickHouse{Config: clickhouse.Config{Addresses: []string{"127.0.0.1:9000"}, Database: database, User: "default"}},
			Erasure:    erasure.Config{Secret: LocalSecret},
		}
	}
	return map[string]Region{"us": region("waymark_us"), "eu": region("waymark_eu")}
}

// Validate fills in waymark-local's regions where none is named, and what a region leaves out.
func (c *Config) Validate() error {
	if !strings.HasPrefix(c.Edge, "http://") && !strings.HasPrefix(c.Edge, "https://") {
		return errors.New("edge: want an http:// or https:// URL")
	}
	if len(c.Regions) == 0 {
		c.Regions = local()
	}
	for _, name := range c.names() {
		if err := config.CheckRegion(name); err != nil {
			return fmt.Errorf("regions: %w", err)
		}
		region := c.Regions[name]
		region.Kafka, region.ClickHouse = region.Kafka.WithDefaults(), region.ClickHouse.WithDefaults()
		c.Regions[name] = region
		if err := region.Kafka.Validate(); err != nil {
			return fmt.Errorf("regions.%s.kafka: %w", name, err)
		}
		if err := region.ClickHouse.Validate(); err != nil {
			return fmt.Errorf("regions.%s.clickhouse: %w", name, err)
		}
		if err := region.S3.Validate(); err != nil {
			return fmt.Errorf("regions.%s.s3.%w", name, err)
		}
		if err := region.Erasure.Validate(); err != nil {
			return fmt.Errorf("regions.%s.erasure.%w", name, err)
		}
	}
	return nil
}

func (c *Config) names() []string { return slices.Sorted(maps.Keys(c.Regions)) }

// region returns the named region; the name may be left out where there is one only.
func (c *Config) region(name string) (string, Region, error) {
	if name == "" && len(c.Regions) == 1 {
		name = c.names()[0]
	}
	region, found := c.Regions[name]
	switch {
	case found:
		return name, region, nil
	case name == "":
		return "", Region{}, fmt.Errorf("--region is needed: one of %s", strings.Join(c.names(), ", "))
	}
	return "", Region{}, fmt.Errorf("no region %q: want one of %s", name, strings.Join(c.names(), ", "))
}

// regions returns the named region's name, or all of them where none is named.
func (c *Config) regions(name string) ([]string, error) {
	if name == "" {
		return c.names(), nil
	}
	name, _, err := c.region(name)
	return []string{name}, err
}
