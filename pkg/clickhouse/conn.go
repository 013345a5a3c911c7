package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// A Conn is a pool of connections to one database. It is safe for concurrent use.
type Conn struct {
	cfg   Config
	pool  driver.Conn
	lanes *lanes
	// freedoms are what Ask may set, once that is known: a freedom by the limits that are wanted.
	freedoms sync.Map
}

// Open makes a pool without contacting the server.
func Open(cfg Config) (*Conn, error) { return open(cfg, cfg.WithDefaults().Database) }

func open(cfg Config, database string) (*Conn, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	cfg = cfg.WithDefaults()
	tlsConfig, err := cfg.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	options := ch.Options{
		Protocol: ch.Native, Addr: cfg.Addresses, TLS: tlsConfig,
		Auth:        ch.Auth{Database: database, Username: cfg.User, Password: string(cfg.Password)},
		Compression: &ch.Compression{Method: ch.CompressionLZ4},
		DialTimeout: cfg.DialTimeout, ReadTimeout: cfg.RequestTimeout,
		MaxOpenConns: cfg.MaxConnections, MaxIdleConns: cfg.MaxConnections, ConnMaxLifetime: time.Hour,
		ConnOpenStrategy: ch.ConnOpenInOrder,
	}
	lanes := newLanes(options, cfg.MaxConnections)
	pool, err := ch.Open(&options)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	return &Conn{cfg: cfg, pool: pool, lanes: lanes}, nil
}

// Close ends the pool's connections.
func (c *Conn) Close() error { return errors.Join(c.pool.Close(), c.lanes.close()) }

// Ping returns nil when the server answers and lets this user in.
func (c *Conn) Ping(ctx context.Context) error {
	if err := c.pool.Ping(ctx); err != nil {
		return fmt.Errorf("clickhouse %v: %w", c.cfg.Addresses, err)
	}
	return nil
}

// Exec runs one statement that returns nothing.
func (c *Conn) Exec(ctx context.Context, statement string, args ...any) error {
	return c.pool.Exec(ctx, statement, args...)
}

// withSettings has statements under ctx run with settings.
func withSettings(ctx context.Context, settings ch.Settings) context.Context {
	return ch.Context(ctx, ch.WithSettings(settings))
}
