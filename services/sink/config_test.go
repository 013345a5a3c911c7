package sink

import (
	"strings"
	"testing"
	"time"
)

func TestConfigNamesTheSettingThatIsWrong(t *testing.T) {
	good := DefaultConfig()
	good.Region, good.Kafka.Brokers, good.ClickHouse.Addresses = "eu", []string{"127.0.0.1:9092"}, []string{"127.0.0.1:9000"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Config){
		"region":               func(c *Config) { c.Region = "EU" },
		"kafka.":               func(c *Config) { c.Kafka.Brokers = nil },
		"clickhouse.addresses": func(c *Config) { c.ClickHouse.Addresses = nil },
		"batch.rows":           func(c *Config) { c.Batch.Rows = 0 },
		"batch.bytes":          func(c *Config) { c.Batch.Bytes = 1 },
		"batch.age":            func(c *Config) { c.Batch.Age = time.Hour },
		"batch.fetch_bytes":    func(c *Config) { c.Batch.FetchBytes = 1 },
		"batch.fetch_wait":     func(c *Config) { c.Batch.FetchWait = 0 },
		"batch.drain":          func(c *Config) { c.Batch.Drain = c.Group.RebalanceTimeout },
		"memory":               func(c *Config) { c.Memory = 1 },
		"inserts":              func(c *Config) { c.Inserts = 0 },
	} {
		bad := good
		change(&bad)
		if err := bad.Validate(); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
