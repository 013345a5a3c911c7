package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/transport"
)

// Config says how to reach one region's cluster.
type Config struct {
	// Brokers to start from, host:port each; the others are learnt from them.
	Brokers []string `yaml:"brokers"`
	// ClientID names this client in the brokers' logs and quotas. Default waymark.
	ClientID string        `yaml:"client_id"`
	TLS      transport.TLS `yaml:"tls"`
	SASL     SASL          `yaml:"sasl"`
	// DialTimeout bounds a connection's set-up, TLS and SASL included. Default 5s, 100ms–1m.
	DialTimeout time.Duration `yaml:"dial_timeout"`
	// RequestTimeout bounds one request. Default 10s, 1s–5m.
	RequestTimeout time.Duration `yaml:"request_timeout"`
}

// SASL authenticates connections.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; empty means no authentication.
	Mechanism string        `yaml:"mechanism"`
	Username  string        `yaml:"username"`
	Password  config.Secret `yaml:"password"`
}

// DefaultConfig returns the defaults; Brokers is left to be set.
func DefaultConfig() Config {
	return Config{ClientID: "waymark", DialTimeout: 5 * time.Second, RequestTimeout: 10 * time.Second}
}

// WithDefaults fills in what is zero: a region of a map has no defaults of its own.
func (c Config) WithDefaults() Config {
	d := DefaultConfig()
	c.ClientID = cmp.Or(c.ClientID, d.ClientID)
	c.DialTimeout = cmp.Or(c.DialTimeout, d.DialTimeout)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, d.RequestTimeout)
	return c
}

// Validate names the first setting that is wrong. Zero durations stand for the defaults.
func (c Config) Validate() error {
	c = c.WithDefaults()
	if len(c.Brokers) == 0 {
		return errors.New("brokers: want at least one host:port")
	}
	for i, broker := range c.Brokers {
		if _, _, err := net.SplitHostPort(broker); err != nil {
			return fmt.Errorf("brokers[%d]: want host:port", i)
		}
	}
	if c.DialTimeout < 100*time.Millisecond || c.DialTimeout > time.Minute {
		return errors.New("dial_timeout: want 100ms–1m")
	}
	if c.RequestTimeout < time.Second || c.RequestTimeout > 5*time.Minute {
		return errors.New("request_timeout: want 1s–5m")
	}
	if err := c.TLS.Validate(); err != nil {
		return err
	}
	if _, err := c.SASL.mechanism(); err != nil {
		return err
	}
	return nil
}

func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Mechanism{Username: s.Username, Password: string(s.Password)}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, s.Username, string(s.Password))
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, s.Username, string(s.Password))
	}
	return nil, errors.New("sasl.mechanism: want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
}
