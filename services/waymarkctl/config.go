package waymarkctl

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
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
	Kafka      kafka.Config      `yaml:"kafka"`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
}

// DefaultConfig knows no region; without one, the two of waymark-local are assumed (see local).
func DefaultConfig() *Config { return &Config{Edge: "http://127.0.0.1:8080"} }

// local is where waymark-local's regions are with its default flags.
func local() map[string]Region {
	region := func(database string) Region {
		return Region{
			Kafka:      kafka.Config{Brokers: []string{"127.0.0.1:9092"}},
			ClickHouse: clickhouse.Config{Addresses: []string{"127.0.0.1:9000"}, Database: database, User: "default"},
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
		region := c.Regions[name].withDefaults()
		c.Regions[name] = region
		if err := region.Kafka.Validate(); err != nil {
			return fmt.Errorf("regions.%s.kafka: %w", name, err)
		}
		if err := region.ClickHouse.Validate(); err != nil {
			return fmt.Errorf("regions.%s.clickhouse: %w", name, err)
		}
	}
	return nil
}

// withDefaults fills in what is zero: a region of a map has no defaults of its own.
func (r Region) withDefaults() Region {
	k, defaults := &r.Kafka, kafka.DefaultConfig()
	k.ClientID = cmp.Or(k.ClientID, defaults.ClientID)
	k.DialTimeout = cmp.Or(k.DialTimeout, defaults.DialTimeout)
	k.RequestTimeout = cmp.Or(k.RequestTimeout, defaults.RequestTimeout)

	c, of := &r.ClickHouse, clickhouse.DefaultConfig()
	c.Database = cmp.Or(c.Database, of.Database)
	c.User = cmp.Or(c.User, of.User)
	c.DialTimeout = cmp.Or(c.DialTimeout, of.DialTimeout)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, of.RequestTimeout)
	c.MaxConnections = cmp.Or(c.MaxConnections, of.MaxConnections)
	return r
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
