package console

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/services/console/internal/access"
	"github.com/waymark-events/waymark/services/console/internal/ask"
)

// Config is the console's settings. One process serves all regions, or some.
type Config struct {
	process.Config `yaml:",inline"`
	// Listen is the address of the page and its interface: for this machine alone unless told otherwise. TLS is a proxy's to do. Default 127.0.0.1:8090.
	Listen string `yaml:"listen"`
	// Listener, when set, is used instead of Listen.
	Listener net.Listener `yaml:"-"`
	// Accounts is the accounts file, read again when it changes: their names and regions. Required.
	Accounts string `yaml:"accounts"`
	// Users is the users file, read again when it changes: who sees which accounts. Required but in the mode open, where it may name the ClickHouse users
	// of the SQL box.
	Users string `yaml:"users"`
	// UserList, when set, is used instead of Users.
	UserList *UserList `yaml:"-"`
	// Regions are those whose databases are asked, by name. At least one.
	Regions map[string]Region `yaml:"regions"`
	SignIn  SignIn            `yaml:"sign_in"`
	Limits  Limits            `yaml:"limits"`
	// Timeouts are of slow clients, and of the end.
	Timeouts Timeouts `yaml:"timeouts"`
}

// The parts of the settings that say who is let in.
type (
	SignIn   = access.Config
	UserList = access.List
	User     = access.User
	Analyst  = access.Analyst
)

// How people sign in.
const (
	ModeToken = access.ModeToken
	ModeProxy = access.ModeProxy
	ModeOpen  = access.ModeOpen
)

// Region is where one region's data is.
type Region struct {
	// ClickHouse is its database, with a user that may read all accounts.
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	// Kafka, where brokers are named, tells how far behind the services are.
	Kafka kafka.Config `yaml:"kafka"`
	// Edges are the admin addresses of all edges, as http://edge:9600, whose counters tell what was accepted. Default none.
	Edges []string `yaml:"edges"`
}

// Limits of what is asked.
type Limits struct {
	// QueryTime bounds a question, SQLTime a statement of the SQL box. Default 30s and 10s, 1s to below clickhouse.request_timeout, 10m at most.
	QueryTime time.Duration `yaml:"query_time"`
	SQLTime   time.Duration `yaml:"sql_time"`
	// QueryMemory is how many bytes of ClickHouse's memory one query may take. Default 4294967296 (4 GiB), at least 67108864.
	QueryMemory uint64 `yaml:"query_memory"`
	// Rows of an answer. Default 10000, 1–1000000.
	Rows int `yaml:"rows"`
	// Queries are under way at once in a region. Default 6, 1 to two less than the region's clickhouse.max_connections.
	Queries int `yaml:"queries"`
	// UserQueries are one user's under way at once, and UserWaiting those that wait. Default 4 and 32, 1–1000.
	UserQueries int `yaml:"user_queries"`
	UserWaiting int `yaml:"user_waiting"`
	// Wait is how long a question waits its turn. Default 10s, 100ms–5m.
	Wait time.Duration `yaml:"wait"`
	// Cache is how long an answer serves equal questions; 0 is not at all. Default 3s, 0–1h.
	Cache time.Duration `yaml:"cache"`
	// Streams are live at once, UserStreams of one user. Default 200 and 6, 1–10000.
	Streams     int `yaml:"streams"`
	UserStreams int `yaml:"user_streams"`
}

// Timeouts against slow clients, and of the end.
type Timeouts struct {
	// ReadHeader bounds the request's header. Default 5s, 100ms–5m.
	ReadHeader time.Duration `yaml:"read_header"`
	// Idle closes a connection without requests. Default 75s, 1s–1h.
	Idle time.Duration `yaml:"idle"`
	// Leave is how long the console serves on after SIGTERM, no longer ready. Default 3s, 0–10m.
	Leave time.Duration `yaml:"leave"`
	// Drain is how long requests under way may take then. Default 25s, 0–10m.
	Drain time.Duration `yaml:"drain"`
}

// DefaultConfig returns the defaults; Accounts, Users, Regions and SignIn.Mode are left to be set.
func DefaultConfig() Config {
	return Config{
		Config: process.DefaultConfig(), Listen: "127.0.0.1:8090", SignIn: access.DefaultConfig(),
		Limits: Limits{
			QueryTime: 30 * time.Second, SQLTime: 10 * time.Second, QueryMemory: 4 << 30, Rows: 10_000, Queries: 6, UserQueries: 4, UserWaiting: 32,
			Wait: 10 * time.Second, Cache: 3 * time.Second, Streams: 200, UserStreams: 6,
		},
		Timeouts: Timeouts{ReadHeader: 5 * time.Second, Idle: 75 * time.Second, Leave: 3 * time.Second, Drain: 25 * time.Second},
	}
}

// Validate names the first setting that is wrong and what is accepted.
func (c Config) Validate() error {
	if err := c.ValidateFrame(); err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil && c.Listener == nil {
		return errors.New("listen: want host:port")
	}
	if c.Listener == nil && c.Listen == c.Admin {
		return errors.New("admin: want another address than listen: what it shows is not for the public")
	}
	if c.Accounts == "" {
		return errors.New("accounts: want the accounts file")
	}
	if err := c.SignIn.Validate(); err != nil {
		return fmt.Errorf("sign_in.%w", err)
	}
	if c.Users == "" && c.UserList == nil && c.SignIn.Mode != ModeOpen {
		return errors.New("users: want the users file")
	}
	if len(c.Regions) == 0 {
		return errors.New("regions: want at least one")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Regions)) {
		if err := config.CheckRegion(name); err != nil {
			return fmt.Errorf("regions: %w", err)
		}
		if err := c.validateRegion(c.Regions[name]); err != nil {
			return fmt.Errorf("regions.%s.%w", name, err)
		}
	}
	return c.validateLimits()
}

func (c Config) validateRegion(r Region) error {
	if err := r.ClickHouse.Validate(); err != nil {
		return fmt.Errorf("clickhouse.%w", err)
	}
	if most := r.ClickHouse.WithDefaults().MaxConnections - 2; c.Limits.Queries < 1 || c.Limits.Queries > most {
		return fmt.Errorf("clickhouse.max_connections: want at least two more than limits.queries, which is %d", c.Limits.Queries)
	}
	if r.ClickHouse.WithDefaults().RequestTimeout <= max(c.Limits.QueryTime, c.Limits.SQLTime) {
		return errors.New("clickhouse.request_timeout: want more than limits.query_time and limits.sql_time")
	}
	if len(r.Kafka.Brokers) > 0 {
		if err := r.Kafka.Validate(); err != nil {
			return fmt.Errorf("kafka.%w", err)
		}
	}
	for i, edge := range r.Edges {
		if u, err := url.Parse(edge); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
			return fmt.Errorf("edges[%d]: want an address such as http://edge:9600", i)
		}
	}
	return nil
}

func (c Config) validateLimits() error {
	switch l, t := c.Limits, c.Timeouts; {
	case l.QueryTime < time.Second || l.QueryTime > 10*time.Minute:
		return errors.New("limits.query_time: want 1s–10m")
	case l.SQLTime < time.Second || l.SQLTime > 10*time.Minute:
		return errors.New("limits.sql_time: want 1s–10m")
	case l.QueryMemory < 64<<20:
		return errors.New("limits.query_memory: want at least 67108864")
	case l.Rows < 1 || l.Rows > 1_000_000:
		return errors.New("limits.rows: want 1–1000000")
	case l.UserQueries < 1 || l.UserQueries > 1000:
		return errors.New("limits.user_queries: want 1–1000")
	case l.UserWaiting < 1 || l.UserWaiting > 1000:
		return errors.New("limits.user_waiting: want 1–1000")
	case l.Wait < 100*time.Millisecond || l.Wait > 5*time.Minute:
		return errors.New("limits.wait: want 100ms–5m")
	case l.Cache < 0 || l.Cache > time.Hour:
		return errors.New("limits.cache: want 0–1h")
	case l.Streams < 1 || l.Streams > 10_000:
		return errors.New("limits.streams: want 1–10000")
	case l.UserStreams < 1 || l.UserStreams > 10_000:
		return errors.New("limits.user_streams: want 1–10000")
	case t.ReadHeader < 100*time.Millisecond || t.ReadHeader > 5*time.Minute:
		return errors.New("timeouts.read_header: want 100ms–5m")
	case t.Idle < time.Second || t.Idle > time.Hour:
		return errors.New("timeouts.idle: want 1s–1h")
	case t.Leave < 0 || t.Leave > 10*time.Minute:
		return errors.New("timeouts.leave: want 0–10m")
	case t.Drain < 0 || t.Drain > 10*time.Minute:
		return errors.New("timeouts.drain: want 0–10m")
	}
	return nil
}

func (c Config) ask() ask.Limits {
	l := c.Limits
	return ask.Limits{
		Time: l.QueryTime, Memory: l.QueryMemory, Rows: l.Rows, PerUser: l.UserQueries, WaitingPerUser: l.UserWaiting, AtOnce: l.Queries, Patience: l.Wait, Keep: l.Cache,
	}
}
