package sink

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/sink"
)

const erasureSecret = "the secret of a region of the tests"

// newMemorial is a house where people are erased.
func newMemorial(t *testing.T) *house {
	t.Helper()
	h := newHouse(t, 1)
	kafkatest.Topic(t, h.client, schemas.ErasuresTopic(region), 1, map[string]string{"cleanup.policy": "compact"})
	h.cfg.Erasure.Secret = erasureSecret
	h.cfg.Batch.Rows, h.cfg.Batch.FetchBytes = 100, 10_000
	return h
}

// erase writes the tombstone of a visitor.
func (h *house) erase(visitor string, mode erasure.Mode) {
	h.t.Helper()
	keys, err := erasure.Config{Secret: config.Secret(erasureSecret)}.Keys()
	if err != nil {
		h.t.Fatal(err)
	}
	rec := (&erasure.Tombstone{
		Account: "demo", Kind: erasure.Visitor, Digest: keys[0].Digest("demo", erasure.Visitor, visitor), Key: keys[0].Fingerprint, Mode: mode,
		ReceivedUntil: time.Now().UnixMilli(), MadeAt: time.Now().UnixMilli(),
	}).Record()
	if _, err := h.producer.Produce(deadline(h.t), schemas.ErasuresTopic(region), 0, []event.Record{rec}); err != nil {
		h.t.Fatal(err)
	}
}

// visits are n events of each of v and w, in turn, in two months.
func (h *house) visits(n int) []event.Record {
	out := make([]event.Record, 2*n)
	for i := range out {
		e := h.enriched()
		if e.VisitorId = "v"; i%2 == 1 {
			e.VisitorId = "w"
		}
		if i%4 < 2 {
			e.Time -= 40 * 24 * time.Hour.Milliseconds()
		}
		out[i] = record(h.t, e)
	}
	return out
}

// A sink dies at any step, then somebody is erased whose rows it was about to store, or has stored: the batch is completed without them, whether its
// block had landed or not, and loses nobody else's row, nor doubles one, in table and view.
func TestAKilledSinksBatchIsCompletedWithoutWhoWasErased(t *testing.T) {
	at := func(step string, nth int64, delay time.Duration) orders {
		return orders{At: step, Nth: nth, Signal: syscall.SIGKILL, Delay: delay}
	}
	cases := [][]orders{
		{at("formed", 2, 0)}, {at("intended", 1, 0)}, {at("intended", 3, 0)}, {at("inserting", 1, 0)}, {at("inserted", 2, 0)}, {at("stored", 1, 0)},
		{at("inserting", 2, time.Millisecond)}, {at("inserting", 3, 4*time.Millisecond)}, {at("inserted", 1, 0), at("readback", 1, 0)},
	}
	var all sync.WaitGroup
	for _, kills := range cases {
		all.Go(func() {
			t.Run(fmt.Sprint(kills[0].At, kills[0].Nth, kills[0].Delay, len(kills)), func(t *testing.T) {
				h := newMemorial(t)
				h.exec("CREATE TABLE counted (visitor_id String, n UInt64) ENGINE = SummingMergeTree ORDER BY visitor_id")
				h.exec("CREATE MATERIALIZED VIEW counting TO counted AS SELECT visitor_id, toUInt64(1) AS n FROM events")
				const sends, each = 6, 75
				for range sends {
					h.send(0, h.visits(each)...)
				}
				h.spawn(kills[0]).killed()
				h.erase("v", erasure.Erase)
				for _, k := range kills[1:] {
					h.spawn(k).killed()
				}
				last := h.spawn(orders{})
				kafkatest.Wait(t, func() bool {
					return h.count("SELECT count() FROM events WHERE visitor_id = 'w'") >= sends*each && h.settled(2*sends*each)()
				}, "all rows")
				last.end()
				// What landed before the tombstone is the tool's to delete.
				h.exec("ALTER TABLE events DELETE WHERE visitor_id = 'v' SETTINGS mutations_sync = 2")
				if rows, events := h.count("SELECT count() FROM events"), h.count("SELECT uniqExact(event_id) FROM events WHERE visitor_id = 'w'"); rows != sends*each || events != rows {
					t.Errorf("%d rows of %d events, want %d", rows, events, sends*each)
				}
				n := h.count("SELECT sum(n) FROM counted WHERE visitor_id = 'w'")
				if unsure := strings.Contains(last.log.String(), "materialized views may lack"); n > sends*each || n < sends*each && !unsure {
					t.Errorf("the view has %d, want %d; the sink is unsure: %t", n, sends*each, unsure)
				}
			})
		})
	}
	all.Wait()
}

// The tombstone comes between the look at the rows and the insert of them.
func TestWhoIsErasedWhileABatchIsInHandIsNotStored(t *testing.T) {
	for name, mode := range map[string]erasure.Mode{"erased": erasure.Erase, "anonymised": erasure.Anonymise} {
		t.Run(name, func(t *testing.T) {
			h := newMemorial(t)
			h.send(0, h.visits(20)...)
			h.spawn(orders{At: "intended", Nth: 1, Signal: syscall.SIGKILL}).killed()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			registry := prometheus.NewRegistry()
			var once sync.Once
			looked := make(chan struct{})
			ctx = sink.WithTrace(ctx, func(step string) {
				if step != "readback" {
					return
				}
				once.Do(func() {
					h.erase("v", mode)
					kafkatest.Wait(t, func() bool { return gauge(t, registry, "waymark_erasures_tombstones") == 1 }, "that the sink knows of it")
					close(looked)
				})
			})
			done := make(chan error, 1)
			go func() {
				done <- sink.Run(ctx, h.cfg, telemetry.Telemetry{Log: zap.NewNop(), Registry: registry, Health: new(telemetry.Health)})
			}()
			kafkatest.Wait(t, func() bool {
				return h.count("SELECT count() FROM events WHERE visitor_id = 'w'") == 20 && h.settled(40)()
			}, "the others' rows")
			<-looked
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if n := h.count("SELECT count() FROM events WHERE visitor_id = 'v'"); n != 0 {
				t.Errorf("%d rows are stored", n)
			}
			anonymous := map[erasure.Mode]int{erasure.Anonymise: 20}[mode]
			if n := h.count("SELECT count() FROM events WHERE visitor_id = toString(event_id)"); n != anonymous {
				t.Errorf("%d rows are anonymous, want %d", n, anonymous)
			}
			if erased := gauge(t, registry, "waymark_sink_erased_total"); int(erased) != 20-anonymous {
				t.Errorf("%v rows are counted as erased", erased)
			}
		})
	}
}

// gauge is a metric's value.
func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return -1
}
