// Package geo tells where an IP address is, as far as MaxMind-format databases know.
//
// Two layouts are read: MaxMind's own (GeoLite2 and GeoIP2 City and ASN) and the flat one of the ip-location-db packages, which keep
// IPv4 and IPv6 in files of their own. Which one a file has is found by looking into it.
package geo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/telemetry"
)

// Config names the databases. Without any, every location is empty.
type Config struct {
	// City are the files with countries and cities: one for both address families, or one for each. Default none.
	City []string `yaml:"city"`
	// ASN are the files with autonomous systems, likewise. Default none.
	ASN []string `yaml:"asn"`
	// ReloadInterval is how often the files are looked at. Default 30s, 100ms–24h.
	ReloadInterval time.Duration `yaml:"reload_interval"`
	// CacheEntries is how many addresses are remembered. Default 100000, 0–10000000.
	CacheEntries int `yaml:"cache_entries"`
}

// DefaultConfig names no database.
func DefaultConfig() Config { return Config{ReloadInterval: 30 * time.Second, CacheEntries: 100_000} }

// Validate names the first setting that is wrong and its accepted range. A zero interval stands for the default.
func (c Config) Validate() error {
	switch {
	case c.ReloadInterval != 0 && (c.ReloadInterval < 100*time.Millisecond || c.ReloadInterval > 24*time.Hour):
		return errors.New("reload_interval: want 100ms–24h")
	case c.CacheEntries < 0 || c.CacheEntries > 10_000_000:
		return errors.New("cache_entries: want 0–10000000")
	}
	return nil
}

// A Location is where an address is. Empty fields are not known.
type Location struct {
	CountryCode string // ISO 3166-1 alpha-2
	Country     string // English
	Subdivision string // the first-order one: state, province
	City        string
	// Latitude and Longitude are degrees, rounded to two decimals: about a kilometre, which is more than the databases know.
	Latitude, Longitude float64
	HasCoordinates      bool
	ASN                 uint32
	ASName              string
}

// A Locator looks addresses up. It is safe for concurrent use.
type Locator struct {
	cfg     Config
	log     *zap.Logger
	current atomic.Pointer[databases]
	// seen is what the files were stamped with before they were read.
	seen    string
	lookups *prometheus.CounterVec
	hits    prometheus.Counter
	misses  prometheus.Counter
	unknown prometheus.Counter
	reloads *prometheus.CounterVec
}

// databases are one reading of the files, and what was looked up in them.
type databases struct {
	city, asn files
	cache     *otter.Cache[netip.Addr, Location]
}

// Open opens the databases that cfg names; one that is missing or broken is an error. Metrics go to reg.
func Open(cfg Config, log *zap.Logger, reg prometheus.Registerer) (*Locator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("geo.%w", err)
	}
	if cfg.ReloadInterval == 0 {
		cfg.ReloadInterval = DefaultConfig().ReloadInterval
	}
	l := &Locator{
		cfg: cfg, log: log,
		lookups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_enricher_geo_lookups_total", Help: "Addresses looked up, by result: hit and miss of the cache, unknown to the databases.",
		}, []string{"result"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_enricher_geo_reloads_total", Help: "Readings of changed databases, by result (ok, error). After an error the old ones stay.",
		}, []string{"result"}),
	}
	l.hits, l.misses, l.unknown = l.lookups.WithLabelValues("hit"), l.lookups.WithLabelValues("miss"), l.lookups.WithLabelValues("unknown")
	if err := telemetry.Register(reg, l.lookups, l.reloads); err != nil {
		return nil, err
	}
	l.seen = l.stamps()
	d, err := l.read()
	if err != nil {
		return nil, err
	}
	l.current.Store(d)
	return l, nil
}

func (l *Locator) read() (*databases, error) {
	d := new(databases)
	var err error
	if d.city, err = open(l.cfg.City); err != nil {
		return nil, err
	}
	if d.asn, err = open(l.cfg.ASN); err != nil {
		return nil, err
	}
	if l.cfg.CacheEntries > 0 {
		// W-TinyLFU: a scan of addresses that come once does not push out those that come often.
		d.cache, err = otter.New(&otter.Options[netip.Addr, Location]{MaximumSize: l.cfg.CacheEntries})
		if err != nil {
			return nil, fmt.Errorf("geo.cache_entries: %w", err)
		}
	}
	return d, nil
}

// Lookup returns where addr is. It knows no error: a private, an invalid, and an address no database has are nowhere.
func (l *Locator) Lookup(addr netip.Addr) Location {
	addr = addr.Unmap().WithZone("")
	d := l.current.Load()
	if !addr.IsValid() || d.city == nil && d.asn == nil {
		return Location{}
	}
	if d.cache != nil {
		if location, ok := d.cache.GetIfPresent(addr); ok {
			l.hits.Inc()
			return location
		}
	}
	var location Location
	d.city.lookup(addr, &location)
	d.asn.lookup(addr, &location)
	if location == (Location{}) {
		l.unknown.Inc()
	} else {
		l.misses.Inc()
	}
	if d.cache != nil {
		d.cache.Set(addr, location)
	}
	return location
}

// Watch looks at the files until ctx ends and takes changed ones over, all at once. Lookups go on meanwhile in the old ones. A file
// must be replaced by renaming a new one over it, as geoipupdate does: files are mapped, and one that is cut short in place ends the
// process.
func (l *Locator) Watch(ctx context.Context) error {
	tick := time.NewTicker(l.cfg.ReloadInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := l.stamps()
		if now == l.seen {
			continue
		}
		l.seen = now
		d, err := l.read()
		if err != nil {
			l.reloads.WithLabelValues("error").Inc()
			l.log.Error("a changed geolocation database is broken; the old ones stay", zap.Error(err))
			continue
		}
		// The old readers are not closed: a lookup may still be in them. They go with the garbage.
		l.current.Store(d)
		l.reloads.WithLabelValues("ok").Inc()
		l.log.Info("geolocation databases read again", zap.String("built", l.Version()))
	}
}

// stamps are what changes with the files.
func (l *Locator) stamps() string {
	return stamp(l.cfg.City) + stamp(l.cfg.ASN)
}

// Version names the databases in use and when they were built.
func (l *Locator) Version() string {
	d := l.current.Load()
	return d.city.version() + d.asn.version()
}
