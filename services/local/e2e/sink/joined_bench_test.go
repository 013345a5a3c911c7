package sink

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	childprocess "github.com/waymark-events/waymark/services/local/rigs/child"
	"github.com/waymark-events/waymark/services/sink"
)

const (
	trickleRate  = 6000 // events/s over all partitions
	trickleLasts = 24 * time.Second
)

// BenchmarkJoined sends 6,000 events/s over 4 and 16 partitions to a sink that joins their batches and to one that does not, in turn. It reports the
// engine's CPU seconds a million events, merges included, and inserts a second, of each; the engine is one for all, so that ratios count. Broker,
// sender and sink are this process. Give it some rounds (-benchtime 4x).
func BenchmarkJoined(b *testing.B) {
	type trickling struct {
		name       string
		partitions int
		joint      bool
		house      *trickle
		engine     []drained
		inserts    float64
	}
	all := []*trickling{{name: "4-joint", partitions: 4, joint: true}, {name: "4-apart", partitions: 4}, {name: "16-joint", partitions: 16, joint: true}, {name: "16-apart", partitions: 16}}
	address := kafkatest.Start(b)
	for _, t := range all {
		t.house = newTrickle(b, address, t.partitions, t.joint)
	}
	for b.Loop() {
		for _, t := range all {
			spent, inserts := t.house.run()
			t.engine = append(t.engine, spent)
			t.inserts += inserts / trickleLasts.Seconds()
		}
	}
	for _, t := range all {
		_, cpu := medians(t.engine)
		b.ReportMetric(cpu/(trickleRate*trickleLasts.Seconds())*1e6, t.name+"-CPU-s/M")
		b.ReportMetric(t.inserts/float64(len(t.engine)), t.name+"-inserts/s")
	}
}

// A trickle is a region with so many partitions, in an engine of its own.
type trickle struct {
	b        *testing.B
	server   *chdbtest.Engine
	cfg      sink.Config
	conn     *clickhouse.Conn
	producer *kafka.Producer
	client   *kafka.Client
	offset   int64
	stored   uint64
}

func newTrickle(b *testing.B, address string, partitions int, joint bool) *trickle {
	b.Helper()
	g := &trickle{b: b, server: chdbtest.Run(b, chdbtest.Options{}), cfg: sink.DefaultConfig()}
	g.cfg.Batch.Joint = joint
	g.cfg.Region = map[int]string{4: "four", 16: "sixteen"}[partitions]
	if joint {
		g.cfg.Region += "j"
	}
	g.client = kafkatest.Client(b, address)
	kafkatest.Topic(b, g.client, schemas.EnrichedTopic(g.cfg.Region), partitions, nil)
	kafkatest.Topic(b, g.client, schemas.DeadTopic(g.cfg.Region), 1, nil)
	g.producer = g.client.NewProducer(kafka.DefaultProducerConfig())
	g.cfg.Kafka.Brokers = []string{address}
	g.server.Database = database
	g.cfg.ClickHouse.Addresses, g.cfg.ClickHouse.Database = []string{g.server.NativeAddr}, database
	if _, err := clickhouse.Migrate(deadline(b), g.cfg.ClickHouse, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		b.Fatal(err)
	}
	var err error
	if g.conn, err = clickhouse.Open(g.cfg.ClickHouse); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { g.conn.Close() })
	return g
}

// run sends for trickleLasts at the rate, evenly over the partitions, waits until all is stored, and returns what that took the engine, and how many
// inserts.
func (g *trickle) run() (spent drained, inserts float64) {
	g.b.Helper()
	n, err := g.client.Partitions(deadline(g.b), schemas.EnrichedTopic(g.cfg.Region))
	if err != nil {
		g.b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	registry := prometheus.NewRegistry()
	go func() {
		done <- sink.Run(ctx, g.cfg, telemetry.Telemetry{Log: zap.NewNop(), Registry: registry, Health: new(telemetry.Health)})
	}()
	const beat = 50 * time.Millisecond
	began, before := time.Now(), g.cpu()
	for i := range int(trickleLasts / beat) {
		from, to := g.share(i, n, beat), g.share(i+1, n, beat)
		for p := range n {
			raw := g.offset
			records := believable(g.b, int32(p), &raw, to-from)
			if _, err := g.producer.Produce(deadline(g.b), schemas.EnrichedTopic(g.cfg.Region), int32(p), records); err != nil {
				g.b.Fatal(err)
			}
			g.stored += uint64(to - from)
		}
		g.offset += int64(to - from)
		time.Sleep(time.Until(began.Add(time.Duration(i+1) * beat)))
	}
	kafkatest.Wait(g.b, func() bool {
		var rows uint64
		if err := g.conn.Scalar(deadline(g.b), "SELECT count() FROM events", &rows); err != nil {
			g.b.Fatal(err)
		}
		return rows >= g.stored
	}, "%d rows", g.stored)
	spent = drained{time.Since(began).Seconds(), (g.cpu() - before).Seconds()}
	inserts = histogramCount(g.b, registry, "waymark_sink_insert_seconds")
	cancel()
	if err := <-done; err != nil {
		g.b.Fatal(err)
	}
	return spent, inserts
}

// share is how many events one of n partitions has had before a beat.
func (g *trickle) share(i, n int, beat time.Duration) int {
	return int(trickleRate*(time.Duration(i)*beat).Seconds()) / n
}

// cpu is what the engine has used.
func (g *trickle) cpu() time.Duration {
	g.b.Helper()
	took, err := childprocess.CPU(g.server.Pid)
	if err != nil {
		g.b.Fatal(err)
	}
	return took
}

// histogramCount is how often a histogram was given a value.
func histogramCount(b *testing.B, registry *prometheus.Registry, name string) float64 {
	b.Helper()
	families, err := registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return float64(f.GetMetric()[0].GetHistogram().GetSampleCount())
		}
	}
	return 0
}
