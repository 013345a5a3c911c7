package console

import (
	"strings"
	"testing"
	"time"
)

func TestConfigNamesTheSettingThatIsWrong(t *testing.T) {
	good := func() Config {
		c := DefaultConfig()
		region := Region{Edges: []string{"http://edge:9600"}}
		region.ClickHouse.Addresses = []string{"127.0.0.1:9000"}
		c.Accounts, c.Users, c.SignIn.Mode, c.Regions = "accounts.yaml", "users.yaml", ModeToken, map[string]Region{"eu": region}
		return c
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	region := func(change func(*Region)) func(*Config) {
		return func(c *Config) {
			r := c.Regions["eu"]
			change(&r)
			c.Regions["eu"] = r
		}
	}
	for field, change := range map[string]func(*Config){
		"listen":                                func(c *Config) { c.Listen = "8090" },
		"admin":                                 func(c *Config) { c.Listen = c.Admin },
		"accounts":                              func(c *Config) { c.Accounts = "" },
		"users":                                 func(c *Config) { c.Users = "" },
		"sign_in.mode":                          func(c *Config) { c.SignIn.Mode = "" },
		"regions: want at least one":            func(c *Config) { c.Regions = nil },
		"regions: want a name":                  func(c *Config) { c.Regions["EU"] = c.Regions["eu"] },
		"regions.eu.clickhouse.addresses":       region(func(r *Region) { r.ClickHouse.Addresses = nil }),
		"regions.eu.clickhouse.max_connections": region(func(r *Region) { r.ClickHouse.MaxConnections = 7 }),
		"regions.eu.clickhouse.request_timeout": region(func(r *Region) { r.ClickHouse.RequestTimeout = 30 * time.Second }),
		"regions.eu.kafka.":                     region(func(r *Region) { r.Kafka.Brokers = []string{"x"} }),
		"regions.eu.edges[0]":                   region(func(r *Region) { r.Edges = []string{"edge:9600"} }),
		"limits.query_time":                     func(c *Config) { c.Limits.QueryTime = 0 },
		"limits.sql_time":                       func(c *Config) { c.Limits.SQLTime = 0 },
		"limits.query_memory":                   func(c *Config) { c.Limits.QueryMemory = 1 },
		"limits.rows":                           func(c *Config) { c.Limits.Rows = 0 },
		"limits.user_queries":                   func(c *Config) { c.Limits.UserQueries = 0 },
		"limits.user_waiting":                   func(c *Config) { c.Limits.UserWaiting = 0 },
		"limits.wait":                           func(c *Config) { c.Limits.Wait = 0 },
		"limits.cache":                          func(c *Config) { c.Limits.Cache = -1 },
		"limits.streams":                        func(c *Config) { c.Limits.Streams = 0 },
		"limits.user_streams":                   func(c *Config) { c.Limits.UserStreams = 0 },
		"timeouts.read_header":                  func(c *Config) { c.Timeouts.ReadHeader = 0 },
		"timeouts.idle":                         func(c *Config) { c.Timeouts.Idle = 0 },
		"timeouts.leave":                        func(c *Config) { c.Timeouts.Leave = -1 },
		"timeouts.drain":                        func(c *Config) { c.Timeouts.Drain = -1 },
	} {
		bad := good()
		change(&bad)
		if err := bad.Validate(); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
	open := good()
	open.SignIn.Mode, open.Users = ModeOpen, ""
	if err := open.Validate(); err != nil {
		t.Errorf("open needs no users: %v", err)
	}
}
