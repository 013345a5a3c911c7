package sink

import (
	"context"
	"fmt"
	"syscall"
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
	"github.com/waymark-events/waymark/services/local/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/sink"
)

// BenchmarkBacklog drains 100,000 enriched events of four partitions into ClickHouse. Broker and engine share the process, so
// the CPU time is all three's; it is limited by ClickHouse's parsing of props and by compression on both sides.
func BenchmarkBacklog(b *testing.B) {
	const partitions, each = 4, 25_000
	address, server := kafkatest.Start(b), chdbtest.Start(b)
	client := kafkatest.Client(b, address)
	kafkatest.Topic(b, client, schemas.EnrichedTopic(region), partitions, nil)
	kafkatest.Topic(b, client, schemas.DeadTopic(region), 1, nil)
	cfg := sink.DefaultConfig()
	cfg.Region, cfg.Kafka.Brokers = region, []string{address}
	cfg.ClickHouse.Addresses, cfg.ClickHouse.Database = []string{server.NativeAddr}, server.Database
	if _, err := clickhouse.Migrate(deadline(b), cfg.ClickHouse, schemas.Migrations()); err != nil {
		b.Fatal(err)
	}
	conn, err := clickhouse.Open(cfg.ClickHouse)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	stored := func() uint64 {
		var n uint64
		if err := conn.Scalar(deadline(b), "SELECT count() FROM events", &n); err != nil {
			b.Fatal(err)
		}
		return n
	}
	producer := client.NewProducer(kafka.DefaultProducerConfig())
	offset := int64(0)
	var wall time.Duration
	var cpu float64
	for b.Loop() {
		b.StopTimer()
		for p := range int32(partitions) {
			for range each / 1000 {
				if _, err := producer.Produce(deadline(b), schemas.EnrichedTopic(region), p, believable(b, &offset, 1000)); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.StartTimer()
		want := stored() + partitions*each
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		began, spent := time.Now(), cpuSeconds(b)
		go func() {
			done <- sink.Run(ctx, cfg, telemetry.Telemetry{Log: zap.NewNop(), Registry: prometheus.NewRegistry(), Health: new(telemetry.Health)})
		}()
		kafkatest.Wait(b, func() bool { return stored() >= want }, "%d rows", want)
		wall += time.Since(began)
		cpu += cpuSeconds(b) - spent
		cancel()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	rows := float64(b.N * partitions * each)
	b.ReportMetric(rows/wall.Seconds(), "rows/s")
	b.ReportMetric(cpu/rows*1e6, "CPU-s/Mrows")
}

// cpuSeconds is what this process has used.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// believable makes the next n events of the raw log.
func believable(b *testing.B, offset *int64, n int) []event.Record {
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
			RawOffset: *offset,
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
