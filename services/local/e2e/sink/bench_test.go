package sink

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	childprocess "github.com/waymark-events/waymark/services/local/rigs/child"
	"github.com/waymark-events/waymark/services/sink"
)

// BenchmarkExactlyOnce drains the same backlog in turn by the sink and by a plain loop: the same code without intents, tokens and
// deduplication, that commits after the insert. It reports the ratios of the medians, exactly-once to at-least-once: throughput
// above 0.95 and CPU below 1.05 are under 5 %. Give it a dozen rounds (-benchtime 12x): single ones differ by more than that.
func BenchmarkExactlyOnce(b *testing.B) {
	g := newBacklog(b)
	g.fill(backlogEach / 1000)
	g.drain(sink.RunAtLeastOnce) // warms both
	var exact, plain []drained
	for round := 0; b.Loop(); round++ {
		for i := range 2 {
			b.StopTimer()
			g.fill(backlogEach / 1000)
			b.StartTimer()
			if (round+i)%2 == 0 { // each is first as often as the other
				exact = append(exact, g.drain(sink.Run))
			} else {
				plain = append(plain, g.drain(sink.RunAtLeastOnce))
			}
		}
	}
	exactWall, exactCPU := medians(exact)
	plainWall, plainCPU := medians(plain)
	b.ReportMetric(backlogRows/exactWall, "rows/s")
	b.ReportMetric(backlogRows/plainWall, "plain-rows/s")
	b.ReportMetric(plainWall/exactWall, "throughput-ratio")
	b.ReportMetric(exactCPU/plainCPU, "CPU-ratio")
}

const (
	backlogPartitions = 4
	backlogEach       = 25_000
	backlogRows       = backlogPartitions * backlogEach
)

// A backlog is a Kafka, a ClickHouse and a way to fill the one and drain it into the other.
type backlog struct {
	b        testing.TB
	server   chdbtest.Server
	cfg      sink.Config
	conn     *clickhouse.Conn
	producer *kafka.Producer
	offsets  []int64 // of the raw log, by partition
}

func newBacklog(b testing.TB) *backlog { return newBacklogOf(b, backlogPartitions) }

func newBacklogOf(b testing.TB, partitions int) *backlog {
	b.Helper()
	address, server := kafkatest.Start(b), chdbtest.Start(b)
	client := kafkatest.Client(b, address)
	kafkatest.Topic(b, client, schemas.EnrichedTopic(region), partitions, nil)
	kafkatest.Topic(b, client, schemas.DeadTopic(region), 1, nil)
	g := &backlog{b: b, server: server, cfg: sink.DefaultConfig(), producer: client.NewProducer(kafka.DefaultProducerConfig()), offsets: make([]int64, partitions)}
	g.cfg.Region, g.cfg.Kafka.Brokers = region, []string{address}
	g.cfg.ClickHouse.Addresses, g.cfg.ClickHouse.Database = []string{server.NativeAddr}, server.Database
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

// fill empties the table and writes a backlog of so many thousand events on each partition.
func (g *backlog) fill(thousands int) {
	g.b.Helper()
	if err := g.conn.Exec(deadline(g.b), "TRUNCATE TABLE events"); err != nil {
		g.b.Fatal(err)
	}
	for p := range int32(backlogPartitions) {
		for range thousands {
			g.produce(p, 1000)
		}
	}
}

// produce writes the next n events of a partition.
func (g *backlog) produce(p int32, n int) {
	g.b.Helper()
	if _, err := g.producer.Produce(deadline(g.b), schemas.EnrichedTopic(region), p, believable(g.b, p, &g.offsets[p], n)); err != nil {
		g.b.Fatal(err)
	}
}

// drained is what it took to drain a backlog, in seconds.
type drained struct{ wall, cpu float64 }

// drain runs a sink until the backlog is in the table.
func (g *backlog) drain(run func(context.Context, sink.Config, telemetry.Telemetry) error) drained {
	g.b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	began, spent := time.Now(), g.cpuSeconds()
	go func() {
		done <- run(ctx, g.cfg, telemetry.Telemetry{Log: zap.NewNop(), Registry: prometheus.NewRegistry(), Health: new(telemetry.Health)})
	}()
	g.await()
	took := drained{time.Since(began).Seconds(), g.cpuSeconds() - spent}
	cancel()
	if err := <-done; err != nil {
		g.b.Fatal(err)
	}
	return took
}

// await returns when the backlog is in the table.
func (g *backlog) await() {
	g.b.Helper()
	kafkatest.Wait(g.b, func() bool { return g.rows() >= backlogRows }, "%d rows", backlogRows)
}

// rows counts those in the table.
func (g *backlog) rows() (n uint64) {
	g.b.Helper()
	if err := g.conn.Scalar(deadline(g.b), "SELECT count() FROM events", &n); err != nil {
		g.b.Fatal(err)
	}
	return n
}

func medians(all []drained) (wall, cpu float64) {
	slices.SortFunc(all, func(a, b drained) int { return cmp.Compare(a.wall, b.wall) })
	wall = all[len(all)/2].wall
	slices.SortFunc(all, func(a, b drained) int { return cmp.Compare(a.cpu, b.cpu) })
	return wall, all[len(all)/2].cpu
}

// cpuSeconds is what this process and the engine have used.
func (g *backlog) cpuSeconds() float64 {
	g.b.Helper()
	var total time.Duration
	for _, pid := range []int{os.Getpid(), g.server.Pid} {
		took, err := childprocess.CPU(pid)
		if err != nil {
			g.b.Fatal(err)
		}
		total += took
	}
	return total.Seconds()
}

// benchLog is the id of the raw topic that the events come from.
var benchLog = uuid.MustParse("0190c3a2-7b1e-4c3d-8e4f-5a6b7c8d9e0f")

// believable makes the next n events of a partition of the raw log.
func believable(b testing.TB, partition int32, offset *int64, n int) []event.Record {
	b.Helper()
	out := make([]event.Record, n)
	latitude, longitude := 52.52, 13.4
	for i := range out {
		id, at := uuid.New(), time.Now().UnixMilli()
		visitor := fmt.Sprintf("visitor-%d", *offset%1000)
		e := &event.Enriched{
			EventId: id[:], AccountId: "demo-eu", Region: region, Event: "step", ItemType: "walkthru", ItemId: fmt.Sprint(*offset % 40), ItemName: "Create an invoice",
			InteractionId: uuid.NewString(), StepId: "s3", StepIndex: 2, StepName: "Choose the customer", Time: at, ClientTime: at, ReceivedAt: at, EnrichedAt: at,
			VisitorId: visitor, SessionId: visitor + "-1", Url: "https://app.example/invoices/new?draft=1", UrlHost: "app.example", UrlPath: "/invoices/new", PageTitle: "New invoice",
			Browser: "Chrome", BrowserVersion: "126.0.0.0", Os: "Windows", OsVersion: "10", DeviceType: "desktop", ScreenWidth: 1920, ScreenHeight: 1080,
			Language: "de-DE", Timezone: "Europe/Berlin", IpMasked: "203.0.113.0", CountryCode: "DE", Country: "Germany", Subdivision: "Berlin", City: "Berlin",
			Latitude: &latitude, Longitude: &longitude, Asn: 64496, AsName: "Example", Props: []byte(`{"plan":"pro","seats":12}`), Library: "waymark.js", LibraryVersion: "1.2.0",
			RawTopicId: benchLog[:], RawPartition: partition, RawOffset: *offset,
		}
		value, err := e.MarshalVT()
		if err != nil {
			b.Fatal(err)
		}
		out[i] = event.Record{Timestamp: at, Key: []byte("demo-eu|" + visitor), Value: value}
		*offset++
	}
	return out
}
