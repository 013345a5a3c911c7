package edge

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/retry"
)

// certificateInterval is how often the certificate's files are looked at. They are compared by their contents: notifications of changes miss
// what Kubernetes does with its links, and what comes over network file systems.
const certificateInterval = 2 * time.Second

// A certificate is the newest good one of two files. Connections that are open keep theirs.
type certificate struct {
	certFile, keyFile string
	log               *zap.Logger
	current           atomic.Pointer[tls.Certificate]
	sum               [sha256.Size]byte // of what the files held when they were read last
	reloads           *prometheus.CounterVec
	expires           prometheus.Gauge
}

// openCertificate reads both files, which must be good: an edge does not start without. Metrics go to reg.
func openCertificate(certFile, keyFile string, log *zap.Logger, reg prometheus.Registerer) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waymark_edge_certificate_reloads_total",
		Help: "Readings of changed certificate files, by result (ok, error). After an error the last good certificate stays in force.",
	}, []string{"result"}), expires: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "waymark_edge_certificate_expires_timestamp_seconds", Help: "When the certificate in force ends to be good, Unix seconds.",
	})}
	for _, result := range []string{"ok", "error"} {
		c.reloads.WithLabelValues(result)
	}
	if err := errors.Join(reg.Register(c.reloads), reg.Register(c.expires)); err != nil {
		return nil, err
	}
	cert, key, err := c.read()
	if err == nil {
		err = c.take(cert, key)
	}
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return c, nil
}

// config is the server's. Versions before 1.2 are broken (RFC 8996); the cipher suites are Go's.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// net/http adds h2 by itself, but sets its side of it up only once: not at all where a plain port of the same server is served first,
		// unless it stands here.
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// watch takes over what changes until ctx ends.
func (c *certificate) watch(ctx context.Context, interval time.Duration) {
	retry.Every(ctx, interval, c.reload)
}

// reload looks once. Between the two files' replacements one does not fit the other: that is an error, said once, until both are there.
func (c *certificate) reload() {
	before := c.sum
	cert, key, err := c.read()
	if c.sum == before {
		return
	}
	if err == nil {
		err = c.take(cert, key)
	}
	if err != nil {
		c.reloads.WithLabelValues("error").Inc()
		c.log.Error("the changed certificate cannot be used; the last good one stays in force", zap.String("cert_file", c.certFile), zap.String("key_file", c.keyFile), zap.Error(err))
		return
	}
	c.reloads.WithLabelValues("ok").Inc()
	c.log.Info("certificate read again", zap.String("cert_file", c.certFile), zap.Time("expires", c.current.Load().Leaf.NotAfter))
}

func (c *certificate) read() (cert, key []byte, err error) {
	cert, err = os.ReadFile(c.certFile)
	if err == nil {
		key, err = os.ReadFile(c.keyFile)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d\n", len(cert)) // one file's end is not the other's beginning
	sum.Write(cert)
	sum.Write(key)
	sum.Sum(c.sum[:0])
	return cert, key, err
}

// take puts a certificate in force.
func (c *certificate) take(cert, key []byte) error {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("cert_file and key_file: %w", err)
	}
	c.expires.Set(float64(pair.Leaf.NotAfter.Unix()))
	if time.Now().After(pair.Leaf.NotAfter) {
		c.log.Warn("the certificate has expired: browsers refuse it", zap.String("cert_file", c.certFile), zap.Time("expired", pair.Leaf.NotAfter))
	}
	c.current.Store(&pair)
	return nil
}
