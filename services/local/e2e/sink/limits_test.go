package sink

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// waits runs a sink that meets ClickHouse's error code until it was refused several times; fix takes the cause away, and then all
// rows are stored once by the same sink.
func (h *house) waits(code string, fix func(), rows int) {
	h.t.Helper()
	s := h.start()
	kafkatest.Wait(h.t, func() bool {
		if s.HasEnded() {
			h.t.Fatalf("the sink ended: %v", s.Stop())
		}
		return failures(h.t, s.Registry, "retriable", code) >= 2
	}, "two inserts refused with %s", code)
	fix()
	kafkatest.Wait(h.t, h.holds(rows), "%d rows", rows)
	if err := s.Stop(); err != nil {
		h.t.Error(err)
	}
	if n := h.count("SELECT count() FROM dead_events"); n != 0 {
		h.t.Errorf("%d events were buried", n)
	}
}

// failures counts the inserts of a class that failed with code.
func failures(t *testing.T, registry *prometheus.Registry, class, code string) (n float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "waymark_sink_insert_failures_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["class"] == class && labels["code"] == code {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

func TestAUsersMemoryLimitHoldsTheRowsUntilItIsRaised(t *testing.T) {
	h, engine := newHouseOf(t, login{}, 1)
	h.send(0, h.some(20)...)
	h.run(h.holds(20), "20 rows")
	engine.Configure(login{profile: "<max_memory_usage>1000000</max_memory_usage>"}.users(), "")
	h.send(0, h.some(300)...)
	h.waits("241", func() { engine.Configure(login{}.users(), "") }, 320)
}

func TestAUsedUpQuotaHoldsTheRowsUntilItIsRaised(t *testing.T) {
	h, engine := newHouseOf(t, login{quota: "<interval><duration>3600</duration><query_inserts>1</query_inserts></interval>"}, 1)
	h.cfg.Batch.Rows, h.cfg.Batch.FetchBytes = 100, 10_000
	for range 3 { // more than one batch
		h.send(0, h.some(150)...)
	}
	h.waits("201", func() { engine.Configure(login{}.users(), "") }, 450)
}

func TestAFullDiskHoldsTheRowsUntilThereIsRoom(t *testing.T) {
	dir := chdbtest.Disk(t, 100)
	if dir == "" {
		return
	}
	engine := chdbtest.Run(t, chdbtest.Options{Dir: filepath.Join(dir, "clickhouse")})
	engine.Database = database
	h := newHouseIn(t, kafkatest.Start(t), engine.Server, 1)
	h.send(0, h.some(20)...)
	h.run(h.holds(20), "20 rows")
	ballast := fill(t, dir)
	h.send(0, h.some(300)...)
	h.waits("243", func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}, 320)
}

// The engine stops answering in the middle of inserts, and dies in the middle of others: what it did of them nobody knows.
func TestAClickHouseThatFreezesAndDiesUnderLoadStoresEverythingOnce(t *testing.T) {
	h, engine := newHouseOf(t, login{}, 2)
	h.cfg.ClickHouse.RequestTimeout, h.cfg.ClickHouse.DialTimeout = time.Second, 500*time.Millisecond
	sent := 0
	more := func() {
		for p := range int32(2) {
			h.send(p, h.some(200)...)
			sent += 200
		}
	}
	more()
	s := h.start()
	kafkatest.Wait(t, func() bool { return h.count("SELECT count() FROM events") > 0 }, "the first rows")
	more()
	engine.Freeze()
	more()
	kafkatest.Wait(t, func() bool { return failures(t, s.Registry, "retriable", "client") >= 1 }, "an insert without an answer")
	engine.Thaw()
	more()
	engine.Restart()
	more()
	kafkatest.Wait(t, h.holds(sent), "%d rows", sent)
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// fill takes all the room of a disk and returns the file that does.
func fill(t *testing.T, dir string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
	return f.Name()
}
