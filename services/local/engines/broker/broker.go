// Package broker is an embedded Kafka: franz-go's kfake, which keeps its records on disk and speaks enough of the protocol for
// every client tried. It stands in for a real cluster in waymark-local and in tests; it has one node, one copy of everything,
// and no quotas.
package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Config says where the broker listens and keeps its records.
type Config struct {
	// Address is host:port; port 0 takes a free one.
	Address string
	// DataDir keeps topics, records and committed offsets; empty keeps them in memory only.
	DataDir string
	// Advertise, if set, is given the address the broker listens at and returns the one it tells its clients: a proxy's.
	Advertise func(listening string) (string, error)
	// Options are passed to kfake: SASL, TLS, ACLs.
	Options []kfake.Opt
}

// retentionInterval is how often old records are dropped; kfake itself looks once an hour.
const retentionInterval = time.Minute

// A Broker is a running embedded Kafka.
type Broker struct {
	*kfake.Cluster
	address string
	lock    *os.File
}

// Start runs a broker until Close. Errors say what an operator can fix: port in use, data directory taken by another process.
func Start(cfg Config) (*Broker, error) {
	b := new(Broker)
	options := append([]kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return listen(network, cfg) }),
		// Rebalances in tests and on one machine need not wait for slow members.
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	}, cfg.Options...)
	if cfg.DataDir != "" {
		var err error
		if b.lock, err = lock(cfg.DataDir); err != nil {
			return nil, err
		}
		options = append(options, kfake.DataDir(cfg.DataDir))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		b.unlock()
		return nil, fmt.Errorf("start the embedded Kafka: %w", err)
	}
	b.Cluster, b.address = cluster, cluster.ListenAddrs()[0] // kfake answers only while it runs
	return b, nil
}

// Address is where clients find the broker.
func (b *Broker) Address() string { return b.address }

// Keep applies retention until ctx ends.
func (b *Broker) Keep(ctx context.Context) {
	tick := time.NewTicker(retentionInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.ApplyRetention()
		}
	}
}

// Close stops the broker; everything acknowledged is on disk when it returns.
func (b *Broker) Close() {
	b.Cluster.Close()
	b.unlock()
}

func (b *Broker) unlock() {
	if b.lock != nil {
		b.lock.Close()
	}
}

func listen(network string, cfg Config) (net.Listener, error) {
	l, err := net.Listen(network, cfg.Address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the embedded Kafka's address %s is in use by another process", cfg.Address)
	}
	if err != nil || cfg.Advertise == nil {
		return l, err
	}
	address, err := cfg.Advertise(l.Addr().String())
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("find the address that the embedded Kafka advertises: %w", err)
	}
	return advertised{l, address}, nil
}

// advertised is a listener that names another address than its own: kfake tells clients what Addr says.
type advertised struct {
	net.Listener
	address string
}

func (a advertised) Addr() net.Addr  { return a }
func (a advertised) Network() string { return "tcp" }
func (a advertised) String() string  { return a.address }

// lock takes the data directory for this process: kfake does not, and two brokers on one directory would destroy it. It is free
// again when the file is closed or the process is gone.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make Kafka's data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "waymark.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock Kafka's data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the embedded Kafka's data directory %s is in use by another process", dir)
		}
		return nil, fmt.Errorf("lock Kafka's data directory %s: %w", dir, err)
	}
	return f, nil
}
