package enricher

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/process"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// A history is what an enriched partition shows of the raw one.
type history struct {
	records, rewinds int
}

// check reads an enriched partition until it has seen raw offset n-1 and fails on every gap: a raw offset that follows
// none so high but its predecessor. Repeats are replays; each starts with a rewind.
func (w *world) check(t testing.TB, partition int32, n int64) history {
	t.Helper()
	var h history
	last, highest := int64(-1), int64(-1)
	w.readUntil(t, w.enriched, partition, func(rec event.Record) bool {
		e := decodeEnriched(t, rec)
		h.records++
		switch {
		case e.RawPartition != partition:
			t.Fatalf("a record of raw partition %d on enriched partition %d", e.RawPartition, partition)
		case e.RawOffset > highest+1:
			t.Fatalf("raw offsets %d to %d are missing", highest+1, e.RawOffset-1)
		case e.RawOffset <= last:
			h.rewinds++
		}
		last, highest = e.RawOffset, max(highest, e.RawOffset)
		return highest == n-1
	})
	return h
}

func TestSIGKILLAndReplayLeaveNoGap(t *testing.T) {
	const partitions, perPartition, kills = 2, 30_000, 3
	w := newWorld(t, partitions)
	all, share := numbered(partitions*perPartition), perPartition/(kills+1)
	for i := range kills + 1 {
		for p := range int32(partitions) {
			own := all[p*perPartition:]
			w.send(t, p, own[i*share:(i+1)*share]...)
		}
		if i < kills { // the last share is for one that lives
			w.killed(t)
		}
	}
	s := start(t, w.config())
	for p := range int32(partitions) {
		h := w.check(t, p, perPartition)
		t.Logf("partition %d: %d records, %d rewinds", p, h.records, h.rewinds)
		if h.rewinds > kills {
			t.Errorf("partition %d rewinds %d times after %d kills", p, h.rewinds, kills)
		}
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}

func TestACleanStopRepeatsNothing(t *testing.T) {
	const n = 20_000
	w := newWorld(t, 1)
	w.send(t, 0, numbered(n)...)
	for stops := range 3 {
		s := start(t, w.config())
		kafkatest.Wait(t, func() bool { return w.enrichedRecords(t) > int64(stops)*2000 }, "progress before the stop")
		if err := s.stop(t); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, w.config())
	if h := w.check(t, 0, n); h.records != n || h.rewinds != 0 {
		t.Errorf("%d records with %d rewinds, want %d and none", h.records, h.rewinds, n)
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}

func TestAMemberThatJoinsAndOneThatLeavesMakeNoGap(t *testing.T) {
	const partitions, perRound = 4, 500
	w := newWorld(t, partitions)
	sent := int64(0)
	round := func() {
		for p := range int32(partitions) {
			w.send(t, p, numbered(perRound)...)
		}
		sent += perRound
	}
	first := start(t, w.config())
	kafkatest.Wait(t, func() bool { round(); return first.metric(t, "waymark_enricher_events_total") > 0 }, "the first member enriches")
	second := start(t, w.config())
	kafkatest.Wait(t, func() bool { round(); return second.metric(t, "waymark_enricher_events_total") > 0 }, "the second member enriches")
	if err := first.stop(t); err != nil {
		t.Error(err)
	}
	round()
	for p := range int32(partitions) {
		w.check(t, p, sent)
	}
	if err := second.stop(t); err != nil {
		t.Error(err)
	}
}

func TestRefusesTopicsOfDifferentPartitionCounts(t *testing.T) {
	w := newRegion(t, brokers(t))
	kafkatest.Topic(t, w.client, w.raw, 3, nil)
	kafkatest.Topic(t, w.client, w.enriched, 2, nil)
	kafkatest.Topic(t, w.client, w.dead, 2, nil)
	w.send(t, 2, numbered(1)...)
	s := start(t, w.config())
	err := s.wait(t)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s has 3, %s has 2", w.raw, w.enriched)) {
		t.Errorf("Run returned %v", err)
	}
	if s.Health.Ready(t.Context()) == nil {
		t.Error("still ready")
	}
}

func TestARecordTheTopicRefusesForItsSizeIsADeadLetter(t *testing.T) {
	w := newRegion(t, brokers(t))
	kafkatest.Topic(t, w.client, w.raw, 1, nil)
	kafkatest.Topic(t, w.client, w.enriched, 1, map[string]string{"max.message.bytes": "3000"})
	kafkatest.Topic(t, w.client, w.dead, 1, nil)
	cfg := w.config()
	cfg.Producer.Compression = "none"
	s := start(t, cfg)
	big := recordOf("demo", fmt.Sprintf(`{"time": 1, "type": "view", "data": {"type": "page"}, "props": {"x": "%s"}}`, strings.Repeat("x", 5000)))
	small := numbered(40)
	w.send(t, 0, append(append(append([]event.Record{}, small[:20]...), big), small[20:]...)...)
	dead := decodeDead(t, w.read(t, w.dead, 0, 1)[0])
	if dead.Reason != "too_large" || dead.Stage != "enrich" || dead.Offset != 20 || dead.AccountId != "demo" {
		t.Errorf("%v", dead)
	}
	seen := map[int64]bool{}
	w.readUntil(t, w.enriched, 0, func(rec event.Record) bool {
		seen[decodeEnriched(t, rec).RawOffset] = true
		return len(seen) == 40
	})
	if seen[20] {
		t.Error("the record is both dead and enriched")
	}
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}

func (w *world) enrichedRecords(t testing.TB) int64 {
	t.Helper()
	offsets, err := w.client.Offsets(t.Context(), w.enriched)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, o := range offsets {
		sum += o.End
	}
	return sum
}

// childBroker, in the environment, makes this test binary an enricher on its own, which can be killed.
const (
	childBroker   = "ENRICHER_CHILD_BROKER"
	childRegion   = "ENRICHER_CHILD_REGION"
	childAccounts = "ENRICHER_CHILD_ACCOUNTS"
)

// spawn starts an enricher in a process of its own. Its session is short, so that its successor need not wait long.
func (w *world) spawn(t testing.TB) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childBroker+"="+w.brokers[0], childRegion+"="+w.region, childAccounts+"="+w.accounts)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // no harm when it is dead
	return cmd
}

// killed has an enricher of its own process get on, and kills it. There must be more than 1,000 events that nobody has read yet: one is fast, and may have read all
// that there were before the last kill.
func (w *world) killed(t testing.TB) {
	t.Helper()
	before := w.enrichedRecords(t)
	victim := w.spawn(t)
	kafkatest.Wait(t, func() bool { return w.enrichedRecords(t) > before+1000 }, "progress before the kill")
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed
}

func victim() int {
	cfg := enricher.DefaultConfig()
	cfg.Region, cfg.Accounts, cfg.Kafka.Brokers = os.Getenv(childRegion), os.Getenv(childAccounts), []string{os.Getenv(childBroker)}
	cfg.Group = kafka.GroupConfig{SessionTimeout: session, HeartbeatInterval: 100 * time.Millisecond, RebalanceTimeout: 2 * time.Second}
	cfg.Batch.FetchBytes = 20_000 // many batches, so that a kill falls among them
	tel := telemetry.Telemetry{Log: zap.NewNop(), Registry: prometheus.NewRegistry(), Health: new(telemetry.Health)}
	if err := enricher.Run(context.Background(), cfg, tel); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 1
}

// childProduction, in the environment, makes this test binary the enricher's own, with its settings by environment.
const childProduction = "ENRICHER_CHILD_PRODUCTION"

func production() {
	cfg := enricher.DefaultConfig()
	process.Main("enricher", &cfg, func(ctx context.Context, cfg *enricher.Config, tel telemetry.Telemetry) error {
		return enricher.Run(ctx, *cfg, tel.WithRegion(cfg.Region))
	})
}
