package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/waymark-events/waymark/pkg/config"
)

// Config says how to reach one region's cluster.
type Config struct {
	// Brokers to start from, host:port each; the others are learnt from them.
	Brokers []string `yaml:"brokers"`
	// ClientID names this client in the brokers' logs and quotas. Default waymark.
	ClientID string `yaml:"client_id"`
	TLS      TLS    `yaml:"tls"`
	SASL     SASL   `yaml:"sasl"`
	// DialTimeout bounds a connection's set-up, TLS and SASL included. Default 5s, 100ms–1m.
	DialTimeout time.Duration `yaml:"dial_timeout"`
	// RequestTimeout bounds one request. Default 10s, 1s–5m.
	RequestTimeout time.Duration `yaml:"request_timeout"`
}

// TLS encrypts connections and checks the brokers' certificates.
type TLS struct {
	Enabled bool `yaml:"enabled"`
	// CAFile is a PEM file of the authorities trusted; empty means the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are this client's own certificate, for mutual TLS.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ServerName is the name expected in certificates; empty means the broker's host name.
	ServerName string `yaml:"server_name"`
	// InsecureSkipVerify accepts any certificate. For tests only.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify"`
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

// withDefaults fills in what is zero: a region of a map has no defaults of its own.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	if c.ClientID == "" {
		c.ClientID = d.ClientID
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = d.DialTimeout
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = d.RequestTimeout
	}
	return c
}

// Validate names the first setting that is wrong. Zero durations stand for the defaults.
func (c Config) Validate() error {
	c = c.withDefaults()
	if len(c.Brokers) == 0 {
		return errors.New("brokers: want at least one host:port")
	}
	for _, broker := range c.Brokers {
		if _, _, err := net.SplitHostPort(broker); err != nil {
			return fmt.Errorf("brokers: %q: want host:port", broker)
		}
	}
	if c.DialTimeout < 100*time.Millisecond || c.DialTimeout > time.Minute {
		return errors.New("dial_timeout: want 100ms–1m")
	}
	if c.RequestTimeout < time.Second || c.RequestTimeout > 5*time.Minute {
		return errors.New("request_timeout: want 1s–5m")
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		return errors.New("tls: cert_file and key_file go together")
	}
	if _, err := c.SASL.mechanism(); err != nil {
		return err
	}
	return nil
}

func (t TLS) config() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls.ca_file: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca_file: no certificate in %s", t.CAFile)
		}
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls.cert_file: %w", err)
		}
		out.Certificates = []tls.Certificate{cert}
	}
	return out, nil
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
