package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/kafka/internal/cluster"
)

// metadataTTL bounds how long a moved leader, or a new topic, goes unnoticed: kafka-go looks again only then.
const metadataTTL = time.Second

// keepAlive is how often an idle connection is probed for a peer that is gone.
const keepAlive = 15 * time.Second

// A Client talks to one cluster. It is safe for concurrent use.
type Client struct {
	cfg       Config
	log       *zap.Logger
	addr      net.Addr
	transport *kafkago.Transport
	cluster   cluster.Cluster
	dialer    *kafkago.Dialer
	stop      context.CancelFunc
	metrics   *metrics
	// topicIDs is true once a broker said that it takes topic ids.
	topicIDs atomic.Bool
	// verified holds by Log the leader epoch, an int32, under which Verify found the log in order.
	verified  sync.Map
	leaders   leaders
	standings standings
	fetches   fetches
}

// NewClient makes a client without contacting the cluster. Metrics go to reg.
func NewClient(cfg Config, log *zap.Logger, reg prometheus.Registerer) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	cfg = cfg.WithDefaults()
	tlsConfig, err := cfg.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	mechanism, err := cfg.SASL.mechanism()
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	metrics, err := newMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		cfg: cfg, log: log, stop: stop, metrics: metrics,
		addr: kafkago.TCP(cfg.Brokers...),
		transport: &kafkago.Transport{
			Dial:        (&net.Dialer{Timeout: cfg.DialTimeout, KeepAlive: keepAlive}).DialContext,
			DialTimeout: cfg.DialTimeout, IdleTimeout: 5 * time.Minute, MetadataTTL: metadataTTL,
			ClientID: cfg.ClientID, TLS: tlsConfig, SASL: mechanism, Context: ctx,
		},
		dialer: &kafkago.Dialer{ClientID: cfg.ClientID, Timeout: cfg.DialTimeout, TLS: tlsConfig, SASLMechanism: mechanism, KeepAlive: keepAlive},
	}
	c.cluster.Client = &kafkago.Client{Addr: c.addr, Timeout: cfg.RequestTimeout, Transport: c.transport}
	return c, nil
}

// Cluster is for pkg/kafka/admin: what it takes are kafka-go's requests, which nobody else makes.
func (c *Client) Cluster() cluster.Cluster { return c.cluster }

// Close ends the client's connections. Producers and groups of the client must have ended before.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	c.stop()
	return nil
}

// Ping returns nil when a broker of the settings answers now; kafka-go's cached metadata would also answer for a cluster that is gone.
// All are asked at once: one that hangs must not use up the time of the others.
func (c *Client) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout+c.cfg.RequestTimeout)
	defer cancel()
	answers := make(chan error, len(c.cfg.Brokers))
	var asked sync.WaitGroup
	defer asked.Wait()
	defer cancel()
	for _, broker := range c.cfg.Brokers {
		asked.Go(func() { answers <- c.ping(ctx, broker) })
	}
	var errs []error
	for range c.cfg.Brokers {
		err := <-answers
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("no broker of %s answers: %w", strings.Join(c.cfg.Brokers, ","), cluster.Explain(errors.Join(errs...)))
}

func (c *Client) ping(ctx context.Context, broker string) error {
	conn, err := c.connect(ctx, broker)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // another has answered
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	_, err = conn.Brokers()
	return err
}

// Partitions returns how many partitions topic has, as known within the last second.
func (c *Client) Partitions(ctx context.Context, topic string) (int, error) {
	t, err := c.cluster.Topic(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("partitions of %s: %w", topic, err)
	}
	return len(t.Partitions), nil
}
