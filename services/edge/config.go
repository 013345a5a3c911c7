package edge

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/services/edge/internal/collect"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
	"github.com/waymark-events/waymark/services/edge/internal/script"
)

// Config is the edge's settings. One process serves one region or several.
type Config struct {
	process.Config `yaml:",inline"`
	// Listen is the address of the collector without TLS; empty is none. Default :8080.
	Listen string `yaml:"listen"`
	// Listener, when set, is used instead of Listen.
	Listener net.Listener `yaml:"-"`
	// Pages, when set, answers for / and what is below /shop/: pages of a process that the edge is part of.
	Pages http.Handler `yaml:"-"`
	TLS   TLS          `yaml:"tls"`
	// Accounts is the accounts file, read again when it changes. Required.
	Accounts string `yaml:"accounts"`
	// Regions served, by name: an account of another region is answered 421. At least one.
	Regions map[string]Region `yaml:"regions"`
	// TrustedProxies are addresses and CIDR prefixes whose ProxyHeader is believed. Default none.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// ProxyHeader is the one header they name the client in: X-Forwarded-For or Forwarded. Default X-Forwarded-For.
	ProxyHeader string `yaml:"proxy_header"`
	// AllowedOrigins may send from browsers, as https://host or https://host:port; pages of others are answered 403. * is any, null that of
	// sandboxed frames and files. Requests without an Origin come from servers and apps, and are taken. Default *.
	AllowedOrigins []string `yaml:"allowed_origins"`
	// Script is the recorder, which the edge serves to web pages.
	Script   script.Config `yaml:"script"`
	Limits   Limits        `yaml:"limits"`
	Timeouts Timeouts      `yaml:"timeouts"`
	// Producer writes to Kafka; without a spool, Timeout is how long an acknowledgement is waited for before the answer is 503.
	Producer kafka.ProducerConfig `yaml:"producer"`
	Spool    Spool                `yaml:"spool"`
}

// TLS is the collector with TLS 1.2 or 1.3, for HTTP/1.1 and HTTP/2.
type TLS struct {
	// Listen is its address; empty is none. Default none.
	Listen string `yaml:"listen"`
	// Listener, when set, is used instead of Listen.
	Listener net.Listener `yaml:"-"`
	// CertFile and KeyFile are PEM: the certificate with those between it and the authority, and its key. They are read again when they change.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

func (t TLS) on() bool { return t.Listen != "" || t.Listener != nil }

// Spool is where accepted events wait on disk while Kafka is away.
type Spool struct {
	// Dir is a folder of this process's own, on a disk that outlives it; empty is no spool. Default none.
	Dir string `yaml:"dir"`
	// Bytes of disk for each region; beyond: 503. Default 1073741824 (1 GiB), 1048576–1125899906842624.
	Bytes int64 `yaml:"bytes"`
	// After is how long an acknowledgement is waited for before events go to the spool. Default 2s, 10ms to producer.timeout.
	After time.Duration `yaml:"after"`
}

// Region is one region's Kafka.
type Region struct {
	Kafka kafka.Config `yaml:"kafka"`
}

// Limits of what is taken.
type Limits struct {
	// EventBytes of one event. Default 32768, 256–1000000.
	EventBytes int `yaml:"event_bytes"`
	// BatchEvents of one request. Default 500, 1–100000.
	BatchEvents int `yaml:"batch_events"`
	// BodyBytes of one request as sent. Default 1048576, 1024–1073741824.
	BodyBytes int64 `yaml:"body_bytes"`
	// DecodedBytes of one request after decompression. Default 10485760, at least body_bytes.
	DecodedBytes int64 `yaml:"decoded_bytes"`
	// Depth of nested objects and arrays of an event. Default 32, 4–1000.
	Depth int `yaml:"depth"`
	// AccountRate is how many events a second one account may send that the accounts file gives no rate, with bursts of twice as many; 0 is no
	// limit. Default 0.
	AccountRate int `yaml:"account_rate"`
	// ClientRequests and ClientEvents are how many requests and events a second one client address (of IPv6 one /64) may send, with bursts of
	// twice as many; 0 is no limit. They need trusted_proxies where clients come through one. Default 0, since the edge cannot know whether a
	// proxy is before it, whose address would be everybody's.
	ClientRequests int `yaml:"client_requests"`
	ClientEvents   int `yaml:"client_events"`
	// Connections are open at once, half of them of one client that is no trusted proxy, and fewer where the process may not open so many
	// files. Each takes about 20 KiB, and 80 while a header of the size that is taken arrives. When all are in use, one that idles is closed
	// for the next, or the next waits. Default 4096, 1–1000000.
	Connections int `yaml:"connections"`
	// InFlightBytes are what all requests under way may hold: bodies as they arrive, decompressed, and copied on their way to Kafka; more
	// is answered 503. The process takes up to about twice as much, since Go frees memory late. Default 134217728, at least peer_bytes.
	InFlightBytes int64 `yaml:"in_flight_bytes"`
	// PeerBytes are the share of it that requests of one client address (of IPv6 one /64) may hold. Default 33554432, at least three times
	// decoded_bytes: as much as one request may come to hold.
	PeerBytes int64 `yaml:"peer_bytes"`
	// AnonymousRequests may be arriving at once that name no account in their header, a quarter of them from one client address. Default
	// 1024, 4–1000000.
	AnonymousRequests int `yaml:"anonymous_requests"`
	// AnonymousBytes may have arrived of them, a quarter from one client address. Default 16777216, at least eight times body_bytes.
	AnonymousBytes int64 `yaml:"anonymous_bytes"`
	// BodyRate is how many bytes a second of a body must arrive at least, after its first ten seconds; 0 is no limit. Default 240,
	// 0–1000000.
	BodyRate int64 `yaml:"body_rate"`
}

// bodyGrace is the time before limits.body_rate counts: a phone that changes its cell is silent for some seconds, which is what servers
// with half of it hear complaints about.
const bodyGrace = 10 * time.Second

// Timeouts against slow clients, and of the end.
type Timeouts struct {
	// ReadHeader bounds the request's header. Default 5s, 100ms–5m.
	ReadHeader time.Duration `yaml:"read_header"`
	// Read bounds the whole request. Default 20s, 100ms–10m.
	Read time.Duration `yaml:"read"`
	// Idle closes a connection without requests. Default 75s, 1s–1h.
	Idle time.Duration `yaml:"idle"`
	// Leave is how long the edge serves on after SIGTERM, no longer ready, so that whoever asks /readyz sends its clients elsewhere before
	// it closes. Default 3s, 0–10m.
	Leave time.Duration `yaml:"leave"`
	// Drain is how long requests under way may take then. Default 25s, 0–10m.
	Drain time.Duration `yaml:"drain"`
}

// DefaultConfig returns the defaults; Accounts and Regions are left to be set.
func DefaultConfig() Config {
	producer := kafka.DefaultProducerConfig()
	producer.Timeout = 10 * time.Second
	return Config{
		Config: process.DefaultConfig(), Listen: ":8080", ProxyHeader: clientip.XForwardedFor, AllowedOrigins: []string{"*"}, Script: script.DefaultConfig(),
		Limits: Limits{EventBytes: 32 << 10, BatchEvents: 500, BodyBytes: 1 << 20, DecodedBytes: 10 << 20, Depth: 32, Connections: 4096,
			InFlightBytes: 128 << 20, PeerBytes: 32 << 20, AnonymousRequests: 1024, AnonymousBytes: 16 << 20, BodyRate: 240},
		Timeouts: Timeouts{ReadHeader: 5 * time.Second, Read: 20 * time.Second, Idle: 75 * time.Second, Leave: 3 * time.Second, Drain: 25 * time.Second},
		Producer: producer, Spool: Spool{Bytes: 1 << 30, After: 2 * time.Second},
	}
}

// originPattern is what browsers send as Origin (RFC 6454 §7): extensions' too.
var originPattern = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[^/A-Z\s?#]+$`)

// Validate names the first setting that is wrong and what is accepted.
func (c Config) Validate() error {
	if err := c.ValidateFrame(); err != nil {
		return err
	}
	if err := c.validateAddresses(); err != nil {
		return err
	}
	if c.Accounts == "" {
		return errors.New("accounts: want the accounts file")
	}
	if len(c.Regions) == 0 {
		return errors.New("regions: want at least one")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Regions)) {
		if err := config.CheckRegion(name); err != nil {
			return fmt.Errorf("regions: %w", err)
		}
		if err := c.Regions[name].Kafka.Validate(); err != nil {
			return fmt.Errorf("regions.%s.kafka.%w", name, err)
		}
	}
	if _, err := clientip.New(c.TrustedProxies, c.ProxyHeader); err != nil {
		return fmt.Errorf("trusted_proxies, proxy_header: %w", err)
	}
	for i, origin := range c.AllowedOrigins {
		if origin != "*" && origin != "null" && !originPattern.MatchString(origin) {
			return fmt.Errorf("allowed_origins[%d]: want *, null, or scheme://host and :port where it is not the scheme's own, in lower case and without a slash at the end", i)
		}
	}
	if err := c.Script.Validate(); err != nil {
		return fmt.Errorf("script.%w", err)
	}
	if err := c.Producer.Validate(); err != nil {
		return fmt.Errorf("producer.%w", err)
	}
	switch s := c.Spool; {
	case s.Bytes < 1<<20 || s.Bytes > 1<<50:
		return errors.New("spool.bytes: want 1048576–1125899906842624")
	case s.Dir != "" && (s.After < 10*time.Millisecond || s.After > c.Producer.Timeout):
		return errors.New("spool.after: want 10ms to producer.timeout")
	}
	switch l, t := c.Limits, c.Timeouts; {
	case l.EventBytes < 256 || l.EventBytes > 1_000_000:
		return errors.New("limits.event_bytes: want 256–1000000")
	case l.EventBytes+16<<10 > c.Producer.MaxBatchBytes:
		return errors.New("limits.event_bytes: want at least 16384 less than producer.max_batch_bytes")
	case l.BatchEvents < 1 || l.BatchEvents > 100_000:
		return errors.New("limits.batch_events: want 1–100000")
	case l.BodyBytes < 1024 || l.BodyBytes > 1<<30:
		return errors.New("limits.body_bytes: want 1024–1073741824")
	case l.DecodedBytes < l.BodyBytes:
		return errors.New("limits.decoded_bytes: want at least body_bytes")
	case l.Depth < 4 || l.Depth > 1000:
		return errors.New("limits.depth: want 4–1000")
	case l.AccountRate < 0:
		return errors.New("limits.account_rate: want 0 or more")
	case l.ClientRequests < 0:
		return errors.New("limits.client_requests: want 0 or more")
	case l.ClientEvents < 0:
		return errors.New("limits.client_events: want 0 or more")
	case l.Connections < 1 || l.Connections > 1_000_000:
		return errors.New("limits.connections: want 1–1000000")
	case l.PeerBytes < 3*l.DecodedBytes:
		return errors.New("limits.peer_bytes: want at least three times decoded_bytes")
	case l.InFlightBytes < l.PeerBytes:
		return errors.New("limits.in_flight_bytes: want at least peer_bytes")
	case l.AnonymousRequests < 4 || l.AnonymousRequests > 1_000_000:
		return errors.New("limits.anonymous_requests: want 4–1000000")
	case l.AnonymousBytes < 8*l.BodyBytes:
		return errors.New("limits.anonymous_bytes: want at least eight times body_bytes")
	case l.BodyRate < 0 || l.BodyRate > 1_000_000:
		return errors.New("limits.body_rate: want 0–1000000")
	case t.ReadHeader < 100*time.Millisecond || t.ReadHeader > 5*time.Minute:
		return errors.New("timeouts.read_header: want 100ms–5m")
	case t.Read < 100*time.Millisecond || t.Read > 10*time.Minute:
		return errors.New("timeouts.read: want 100ms–10m")
	case t.Idle < time.Second || t.Idle > time.Hour:
		return errors.New("timeouts.idle: want 1s–1h")
	case t.Leave < 0 || t.Leave > 10*time.Minute:
		return errors.New("timeouts.leave: want 0–10m")
	case t.Drain < 0 || t.Drain > 10*time.Minute:
		return errors.New("timeouts.drain: want 0–10m")
	}
	return nil
}

// validateAddresses checks where the edge listens. The admin port is never the public one.
func (c Config) validateAddresses() error {
	plain := c.Listen != "" || c.Listener != nil
	switch {
	case !plain && !c.TLS.on():
		return errors.New("listen: want host:port, or tls.listen in its place")
	case c.Listen != "" && !isAddress(c.Listen):
		return errors.New("listen: want host:port, or nothing for no collector without TLS")
	case c.TLS.Listen != "" && !isAddress(c.TLS.Listen):
		return errors.New("tls.listen: want host:port")
	case c.TLS.on() && (c.TLS.CertFile == "" || c.TLS.KeyFile == ""):
		return errors.New("tls.cert_file: want it and tls.key_file where tls.listen is set")
	case !c.TLS.on() && (c.TLS.CertFile != "" || c.TLS.KeyFile != ""):
		return errors.New("tls.listen: want host:port where tls.cert_file is set")
	case overlap(c.Listen, c.TLS.Listen):
		return errors.New("tls.listen: want another address than listen")
	case overlap(c.Admin, c.Listen), overlap(c.Admin, c.TLS.Listen):
		return errors.New("admin: want another address than the collector's: what it shows is not for the public")
	}
	return nil
}

func isAddress(text string) bool {
	_, _, err := net.SplitHostPort(text)
	return err == nil
}

// overlap tells whether two addresses cannot both be listened at, as far as can be seen without asking: the same port, and the same host, or
// one that is all of them. Port 0 is a free one.
func overlap(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	all := func(host string) bool {
		addr, err := netip.ParseAddr(host)
		return host == "" || err == nil && addr.IsUnspecified()
	}
	return hostA == hostB || all(hostA) || all(hostB)
}

// quotasFile is where the counts for monthly quotas are kept; "" is only in memory.
func (c Config) quotasFile() string {
	if c.Spool.Dir == "" {
		return ""
	}
	return filepath.Join(c.Spool.Dir, "quotas.json")
}

func (c Config) collect() collect.Limits {
	l := c.Limits
	return collect.Limits{
		Limits:      intake.Limits{EventBytes: l.EventBytes, Depth: l.Depth, AccountRate: l.AccountRate, ClientRequests: l.ClientRequests, ClientEvents: l.ClientEvents},
		BatchEvents: l.BatchEvents, BodyBytes: l.BodyBytes, DecodedBytes: l.DecodedBytes, InFlightBytes: l.InFlightBytes, PeerBytes: l.PeerBytes, AnonymousRequests: l.AnonymousRequests,
		AnonymousBytes: l.AnonymousBytes, BodyRate: l.BodyRate, BodyGrace: bodyGrace, ReadTimeout: c.Timeouts.Read,
	}
}
