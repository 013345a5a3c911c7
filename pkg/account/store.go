package account

import (
	"context"
	"crypto/sha256"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

// A Store holds the newest good reading of an accounts file.
type Store struct {
	file    string
	log     *zap.Logger
	current atomic.Pointer[Directory]
	sum     [sha256.Size]byte
	reloads *prometheus.CounterVec
	plain   prometheus.Gauge
}

// Open reads file, which must be good: a service does not start without its accounts. Metrics go to reg.
func Open(file string, log *zap.Logger, reg prometheus.Registerer) (*Store, error) {
	d, err := Read(file)
	if err != nil {
		return nil, err
	}
	s := &Store{file: file, log: log, reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waymark_accounts_reloads_total",
		Help: "Readings of a changed accounts file, by result (ok, error). After an error the last good reading stays in force.",
	}, []string{"result"}), plain: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "waymark_accounts_plain_keys", Help: "Write keys that the accounts file has in plain text, where their hashes should be.",
	})}
	for _, result := range []string{"ok", "error"} {
		s.reloads.WithLabelValues(result)
	}
	if err := telemetry.Register(reg, s.reloads, s.plain); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s.sum = sha256.Sum256(text)
	s.take(d)
	return s, nil
}

// take puts a reading in force.
func (s *Store) take(d *Directory) {
	s.current.Store(d)
	s.plain.Set(float64(d.PlainKeys()))
	if d.PlainKeys() > 0 {
		s.log.Warn("the accounts file has write keys in plain text: that is for trials; waymarkctl key hash makes the line for keys",
			zap.String("file", s.file), zap.Int("keys", d.PlainKeys()))
	}
}

// Directory returns the newest good reading.
func (s *Store) Directory() *Directory { return s.current.Load() }

// Watch looks at the file every interval until ctx ends, and takes over what changed. It compares contents, so a mounted
// ConfigMap, a rename and a write in place are all seen. A broken file is logged and counted, once per change.
func (s *Store) Watch(ctx context.Context, interval time.Duration) {
	retry.Every(ctx, interval, s.reload)
}

func (s *Store) reload() {
	text, err := os.ReadFile(s.file)
	sum := sha256.Sum256(text) // of nothing when the file is gone, so that its absence is reported once
	if sum == s.sum {
		return
	}
	s.sum = sum
	var d *Directory
	if err == nil {
		d, err = Read(s.file)
	}
	if err == nil {
		err = moved(s.Directory(), d)
	}
	if err != nil {
		s.reloads.WithLabelValues("error").Inc()
		s.log.Error("accounts file cannot be taken over; the last good one stays in force", zap.String("file", s.file), zap.Error(err))
		return
	}
	s.take(d)
	s.reloads.WithLabelValues("ok").Inc()
	s.log.Info("accounts file read again", zap.String("file", s.file), zap.Int("accounts", len(d.byID)))
}
