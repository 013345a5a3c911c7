package edge

import (
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/kafka"
)

func valid() Config {
	cfg := DefaultConfig()
	cfg.Accounts = "accounts.yaml"
	cfg.Regions = map[string]Region{"us": {Kafka: kafka.Config{Brokers: []string{"127.0.0.1:9092"}}}}
	return cfg
}

func TestValidateNamesTheSetting(t *testing.T) {
	if cfg := valid(); cfg.Validate() != nil {
		t.Fatalf("the defaults: %v", cfg.Validate())
	}
	cfg := valid()
	if cfg.AllowedOrigins = []string{"*", "null", "https://shop.example", "http://127.0.0.1:8000", "http://[::1]:8000", "chrome-extension://abcdef"}; cfg.Validate() != nil {
		t.Errorf("good origins: %v", cfg.Validate())
	}
	for name, change := range map[string]func(*Config){
		"allowed_origins[1]":        func(c *Config) { c.AllowedOrigins = []string{"null", "https://shop.example/"} },
		"allowed_origins[0]":        func(c *Config) { c.AllowedOrigins = []string{"shop.example"} },
		"regions":                   func(c *Config) { c.Regions["EU"] = c.Regions["us"] },
		"limits.connections":        func(c *Config) { c.Limits.Connections = 0 },
		"timeouts.leave":            func(c *Config) { c.Timeouts.Leave = -1 },
		"limits.peer_bytes":         func(c *Config) { c.Limits.PeerBytes = 3*c.Limits.DecodedBytes - 1 },
		"limits.in_flight_bytes":    func(c *Config) { c.Limits.InFlightBytes = c.Limits.PeerBytes - 1 },
		"limits.anonymous_requests": func(c *Config) { c.Limits.AnonymousRequests = 3 },
		"limits.anonymous_bytes":    func(c *Config) { c.Limits.AnonymousBytes = 8*c.Limits.BodyBytes - 1 },
		"limits.body_rate":          func(c *Config) { c.Limits.BodyRate = -1 },
	} {
		cfg := valid()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), name+": want ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
