package clickhouse

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/transport"
)

// Config says how to reach one region's database, over ClickHouse's native protocol.
type Config struct {
	// Addresses are host:port of the native protocol, tried in turn when connecting.
	Addresses []string `yaml:"addresses"`
	// Database holds Waymark's tables. Default waymark.
	Database string `yaml:"database"`
	// User and Password authenticate. Default user: default.
	User     string        `yaml:"user"`
	Password config.Secret `yaml:"password"`
	TLS      transport.TLS `yaml:"tls"`
	// DialTimeout bounds setting up a connection, and waiting for a free one. Default 5s, 100ms–1m.
	DialTimeout time.Duration `yaml:"dial_timeout"`
	// RequestTimeout bounds one insert or query. Default 60s, 1s–30m.
	RequestTimeout time.Duration `yaml:"request_timeout"`
	// MaxConnections bounds the connections of this process for queries, and those for inserts. Default 8, 1–1000.
	MaxConnections int `yaml:"max_connections"`
}

// DefaultConfig returns the defaults; Addresses is left to be set.
func DefaultConfig() Config {
	return Config{Database: "waymark", User: "default", DialTimeout: 5 * time.Second, RequestTimeout: time.Minute, MaxConnections: 8}
}

// WithDefaults fills in what is zero: a region of a map has no defaults of its own.
func (c Config) WithDefaults() Config {
	d := DefaultConfig()
	c.Database = cmp.Or(c.Database, d.Database)
	c.User = cmp.Or(c.User, d.User)
	c.DialTimeout = cmp.Or(c.DialTimeout, d.DialTimeout)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, d.RequestTimeout)
	c.MaxConnections = cmp.Or(c.MaxConnections, d.MaxConnections)
	return c
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// Validate names the first setting that is wrong. Zero values stand for the defaults.
func (c Config) Validate() error {
	c = c.WithDefaults()
	if len(c.Addresses) == 0 {
		return errors.New("addresses: want at least one host:port")
	}
	for i, address := range c.Addresses {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("addresses[%d]: want host:port", i)
		}
	}
	switch {
	case !identifier.MatchString(c.Database):
		return errors.New("database: want letters, digits and underscores, at most 64")
	case c.DialTimeout < 100*time.Millisecond || c.DialTimeout > time.Minute:
		return errors.New("dial_timeout: want 100ms–1m")
	case c.RequestTimeout < time.Second || c.RequestTimeout > 30*time.Minute:
		return errors.New("request_timeout: want 1s–30m")
	case c.MaxConnections < 1 || c.MaxConnections > 1000:
		return errors.New("max_connections: want 1–1000")
	}
	return c.TLS.Validate()
}
