//go:build !apachekafka

package enricher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/geo/demodb"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/useragent/sample"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// What a measurement moves: requests of perRequest events of one visitor each.
const (
	drained     = 300_000
	trickleRate = 6_000 // events/s
	trickleFor  = 10 * time.Second
	trickleWarm = 2 * time.Second
	perRequest  = 18
)

// BenchmarkDrain is what a million events that wait cost an enricher's process with default settings, in CPU and allocations, and what it asks of
// the brokers. Broker and sender are another process. Its start and its join are not counted.
func BenchmarkDrain(b *testing.B) { cost(b, (*meter).drain) }

// BenchmarkTrickle is what a million events cost that come at 6,000/s, and how old they are when a consumer of the enriched topic has them.
func BenchmarkTrickle(b *testing.B) { cost(b, (*meter).trickle) }

func cost(b *testing.B, measure func(*meter, *testing.B)) {
	for _, partitions := range []int{4, 16, 64} {
		b.Run(fmt.Sprintf("partitions=%d", partitions), func(b *testing.B) {
			for b.Loop() {
				measure(newMeter(b, partitions), b)
			}
		})
	}
}

// A meter watches one enricher in a process of its own.
type meter struct {
	*world
	partitions int
	enricher   *child.Process
	// What the enricher asks of the broker.
	fetches, produces, commits atomic.Int64

	before   child.Usage
	counting atomic.Bool // since begin
	asked    [3]int64
	began    time.Time

	mu   sync.Mutex
	ages []time.Duration // of events that a consumer of the enriched topic met, since the edge received them
}

func newMeter(b *testing.B, partitions int) *meter {
	b.Helper()
	broker := embedded(b)
	m := &meter{partitions: partitions, world: newRegion(b, broker.ListenAddrs())}
	for topic, n := range map[string]int{m.raw: partitions, m.enriched: partitions, m.dead: 2} {
		kafkatest.Topic(b, m.client, topic, n, nil)
	}
	raw, err := m.client.TopicID(b.Context(), m.raw)
	if err != nil {
		b.Fatal(err)
	}
	m.count(broker.Cluster, kmsg.Fetch, &m.fetches, func(req kmsg.Request) bool {
		of := req.(*kmsg.FetchRequest).Topics
		return len(of) > 0 && of[0].TopicID == raw
	})
	m.count(broker.Cluster, kmsg.Produce, &m.produces, func(req kmsg.Request) bool {
		of := req.(*kmsg.ProduceRequest).Topics
		return len(of) > 0 && of[0].Topic == m.enriched
	})
	m.count(broker.Cluster, kmsg.OffsetCommit, &m.commits, func(kmsg.Request) bool { return true })
	m.start(b)
	return m
}

// count adds a request of a kind to n where it is the enricher's.
func (m *meter) count(cluster *kfake.Cluster, key kmsg.Key, n *atomic.Int64, ours func(kmsg.Request) bool) {
	cluster.ControlKey(key.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if ours(req) {
			n.Add(1)
		}
		return nil, nil, false
	})
}

// start runs the enricher until it has claimed every partition.
func (m *meter) start(b *testing.B) {
	b.Helper()
	admin, err := child.FreeAddresses(1)
	if err != nil {
		b.Fatal(err)
	}
	city := filepath.Join(b.TempDir(), "city.mmdb")
	if err := demodb.Write(city); err != nil {
		b.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	const prefix = "WAYMARK_ENRICHER_"
	m.enricher = &child.Process{Name: "enricher", Args: []string{program}, Admin: admin[0], Env: []string{
		childProduction + "=1", prefix + "ADMIN=" + admin[0], prefix + "LOG_LEVEL=warn", prefix + "REGION=" + m.region,
		prefix + "ACCOUNTS=" + m.accounts, prefix + "KAFKA_BROKERS=" + m.brokers[0], prefix + "GEO_CITY=" + city,
	}}
	if err := m.enricher.Start(b.Context(), b.TempDir()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := m.enricher.Stop(); err != nil {
			b.Error(err)
		}
	})
	if err := m.enricher.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	began := fmt.Sprintf("waymark_enricher_step_seconds_count{region=%q,step=\"remember\"}", m.region)
	kafkatest.Wait(b, func() bool {
		claims, err := m.enricher.Metric(began)
		return err == nil && claims == float64(m.partitions)
	}, "all partitions are claimed")
}

// begin starts the account.
func (m *meter) begin(b *testing.B) {
	b.Helper()
	var err error
	if m.before, err = m.enricher.Usage(); err != nil {
		b.Fatal(err)
	}
	m.asked = [3]int64{m.fetches.Load(), m.produces.Load(), m.commits.Load()}
	m.began = time.Now()
	m.counting.Store(true)
}

// end reports what the events took since begin.
func (m *meter) end(b *testing.B, events int) {
	b.Helper()
	took := time.Since(m.began)
	after, err := m.enricher.Usage()
	if err != nil {
		b.Fatal(err)
	}
	millions := float64(events) / 1e6
	b.ReportMetric((after.CPU-m.before.CPU).Seconds()/millions, "cpu-s/M")
	b.ReportMetric((after.Mallocs-m.before.Mallocs)/float64(events), "allocs/event")
	b.ReportMetric(float64(after.Peak)/(1<<20), "MiB")
	for i, unit := range []string{"fetches/s", "produces/s", "commits/s"} {
		now := [3]int64{m.fetches.Load(), m.produces.Load(), m.commits.Load()}
		b.ReportMetric(float64(now[i]-m.asked[i])/took.Seconds(), unit)
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkEvent is what enriching takes of it: header, JSON, stages, Protobuf.
func BenchmarkEvent(b *testing.B) {
	w := &world{region: "r", accounts: filepath.Join(b.TempDir(), "accounts.yaml")}
	w.writeAccounts(b, accounts)
	cfg := enricher.DefaultConfig()
	cfg.Region, cfg.Accounts, cfg.Geo.City = w.region, w.accounts, []string{filepath.Join(b.TempDir(), "city.mmdb")}
	if err := demodb.Write(cfg.Geo.City[0]); err != nil {
		b.Fatal(err)
	}
	stage, err := enricher.NewStage(cfg, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	events := slices.Concat(requests(b, 2_000)...)
	var raw event.Raw
	var out event.Enriched
	buffer := make([]byte, 64<<10)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := errors.Join(event.ParseRaw(&events[i%len(events)], &raw), stage.Enrich(&raw, &out)); err != nil {
			b.Fatal(err)
		}
		if _, err := out.MarshalToSizedBufferVT(buffer[:out.SizeVT()]); err != nil {
			b.Fatal(err)
		}
	}
}

func (m *meter) drain(b *testing.B) {
	requests := requests(b, drained/perRequest)
	// Frozen, so that it meets the whole of it, and its start is not counted.
	m.begin(b)
	if err := m.enricher.Signal(syscall.SIGSTOP); err != nil {
		b.Fatal(err)
	}
	var group errgroup.Group
	const senders = 64
	for s := range senders {
		group.Go(func() error {
			for i := s; i < len(requests); i += senders {
				if err := m.producer.Send(b.Context(), m.raw, requests[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	m.began = time.Now()
	if err := errors.Join(err, m.enricher.Signal(syscall.SIGCONT)); err != nil {
		b.Fatal(err)
	}
	m.caughtUp(b)
	events := len(requests) * perRequest
	b.ReportMetric(float64(events)/time.Since(m.began).Seconds(), "events/s")
	m.end(b, events)
}

func (m *meter) trickle(b *testing.B) {
	const all = int((trickleWarm + trickleFor) / time.Second * trickleRate / perRequest)
	requests := requests(b, all)
	ctx, stop := context.WithCancel(b.Context())
	var readers sync.WaitGroup
	defer readers.Wait()
	defer stop()
	for p := range min(m.partitions, 4) {
		readers.Go(func() { m.follow(ctx, b, int32(p)) })
	}
	start := time.Now()
	var group errgroup.Group
	const senders = 32
	for s := range senders {
		group.Go(func() error {
			for i := s; i < len(requests); i += senders {
				due := start.Add(time.Duration(i) * perRequest * time.Second / trickleRate)
				<-time.After(time.Until(due))
				m.stamp(requests[i])
				if err := m.producer.Send(ctx, m.raw, requests[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	<-time.After(trickleWarm)
	m.begin(b)
	warm := m.ended(b)
	err := group.Wait()
	events := m.ended(b) - warm
	m.end(b, int(events))
	if err != nil {
		b.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.Sort(m.ages)
	for name, share := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99} {
		b.ReportMetric(float64(m.ages[int(share*float64(len(m.ages)))].Milliseconds()), name)
	}
}

// requests are what the edge makes of n requests: each of one visitor, from one browser and address.
func requests(b *testing.B, n int) [][]event.Record {
	b.Helper()
	agents, err := sample.Weighted()
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(2, seeds.Add(1)))
	pick := func() string {
		for at := random.Float64(); ; at = random.Float64() {
			for _, a := range agents {
				if at -= a.Weight; at < 0 {
					return a.UA
				}
			}
		}
	}
	networks := demodb.Addresses()
	out := make([][]event.Record, n)
	all := mixed(b, n*perRequest)
	for i := range out {
		out[i] = all[i*perRequest : (i+1)*perRequest]
		ua, ip := pick(), networks[random.IntN(len(networks))].Addr().As4()
		ip[3] = byte(random.IntN(256))
		key := out[i][0].Key
		for j := range out[i] {
			rec := &out[i][j]
			var raw event.Raw
			if err := event.ParseRaw(rec, &raw); err != nil {
				b.Fatal(err)
			}
			raw.UserAgent, raw.ClientIP = ua, netip.AddrFrom4(ip)
			*rec = raw.Record(key)
		}
	}
	return out
}

// stamp says that a request is received now.
func (m *meter) stamp(request []event.Record) {
	now := time.Now().UnixMilli()
	text := strconv.AppendInt(nil, now, 10)
	for i := range request {
		request[i].Timestamp = now
		for j := range request[i].Headers {
			if request[i].Headers[j].Key == event.HeaderReceivedAt {
				request[i].Headers[j].Value = text
			}
		}
	}
}

// follow notes how old the events are that come to a partition of the enriched topic, until ctx ends.
func (m *meter) follow(ctx context.Context, b *testing.B, partition int32) {
	var out event.Enriched
	for next := int64(0); ctx.Err() == nil; {
		batch, err := kafkatest.Fetch(ctx, m.client, m.enriched, partition, next, kafka.DefaultFetchOptions)
		if err != nil {
			if ctx.Err() == nil {
				b.Error(err)
			}
			return
		}
		now := time.Now()
		m.mu.Lock()
		for i := range batch.Records {
			if err := out.UnmarshalVT(batch.Records[i].Value); err != nil {
				b.Error(err)
			}
			if m.counting.Load() {
				m.ages = append(m.ages, now.Sub(time.UnixMilli(out.ReceivedAt)))
			}
			out.Reset()
		}
		m.mu.Unlock()
		next = batch.Next
		batch.Release()
	}
}

// ended is how many events are committed.
func (m *meter) ended(b *testing.B) int64 {
	b.Helper()
	of, err := admin.Lag(b.Context(), m.client, schemas.EnricherGroup(m.region), m.raw)
	if err != nil {
		b.Fatal(err)
	}
	n := int64(0)
	for _, p := range of {
		n += max(p.Committed, 0)
	}
	return n
}

// caughtUp waits until everything is committed.
func (m *meter) caughtUp(b *testing.B) {
	b.Helper()
	kafkatest.Wait(b, func() bool {
		of, err := admin.Lag(b.Context(), m.client, schemas.EnricherGroup(m.region), m.raw)
		if err != nil {
			b.Fatal(err)
		}
		lag := int64(0)
		for _, p := range of {
			lag += p.Lag
		}
		return lag == 0
	}, "all is committed")
}
