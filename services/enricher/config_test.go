package enricher

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/config"
)

func valid() Config {
	cfg := DefaultConfig()
	cfg.Region, cfg.Accounts, cfg.Kafka.Brokers = "us", "accounts.yaml", []string{"kafka:9092"}
	return cfg
}

func TestDefaultsAreValidOnceWhatIsRequiredIsSet(t *testing.T) {
	if err := valid().Validate(); err != nil {
		t.Error(err)
	}
	cfg := DefaultConfig()
	if err := cfg.Validate(); err == nil {
		t.Error("accepted without region, brokers and accounts")
	}
}

func TestValidateNamesTheSetting(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"admin":                    func(c *Config) { c.Admin = "9600" },
		"region":                   func(c *Config) { c.Region = "us-east-1" },
		"kafka.brokers":            func(c *Config) { c.Kafka.Brokers = nil },
		"accounts":                 func(c *Config) { c.Accounts = "" },
		"geo.cache_entries":        func(c *Config) { c.Geo.CacheEntries = -1 },
		"user_agent.cache_entries": func(c *Config) { c.UserAgent.CacheEntries = 1 },
		"time.max_future":          func(c *Config) { c.Time.MaxFuture = -time.Second },
		"time.max_past":            func(c *Config) { c.Time.MaxPast = time.Minute },
		"batch.fetch_bytes":        func(c *Config) { c.Batch.FetchBytes = 1 },
		"batch.fetch_wait":         func(c *Config) { c.Batch.FetchWait = 0 },
		"batch.gather":             func(c *Config) { c.Batch.Gather = -1 },
		"batch.drain":              func(c *Config) { c.Batch.Drain = c.Group.RebalanceTimeout },
		"group.session_timeout":    func(c *Config) { c.Group.SessionTimeout = time.Second },
		"dedup.window":             func(c *Config) { c.Dedup.Window = 25 * time.Hour },
		"dedup.events":             func(c *Config) { c.Dedup.Events = -1 },
		"producer.compression":     func(c *Config) { c.Producer.Compression = "rar" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := valid()
			change(&cfg)
			if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), name+":") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSettingsComeFromFileAndEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "enricher.yaml")
	text := "region: eu\naccounts: /etc/waymark/accounts.yaml\nkafka:\n  brokers: [a:9092]\ntime:\n  max_past: 24h\ngroup:\n  session_timeout: 10s\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	environ := []string{"WAYMARK_ENRICHER_KAFKA_BROKERS=b:9092,c:9092", "WAYMARK_ENRICHER_USER_AGENT_CACHE_ENTRIES=2000", "WAYMARK_ENRICHER_DEDUP_EVENTS=0", "WAYMARK_ENRICHER_PRODUCER_COMPRESSION=lz4"}
	if err := config.Load(&cfg, "enricher", file, environ); err != nil {
		t.Fatal(err)
	}
	if cfg.Region != "eu" || len(cfg.Kafka.Brokers) != 2 || cfg.UserAgent.CacheEntries != 2000 || cfg.Dedup.Events != 0 || cfg.Dedup.Window != 15*time.Minute || cfg.Time.MaxPast != 24*time.Hour ||
		cfg.Group.SessionTimeout != 10*time.Second || cfg.Producer.Compression != "lz4" || cfg.Producer.Linger != 5*time.Millisecond {
		t.Errorf("%+v", cfg)
	}
}
