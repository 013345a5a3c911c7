package sink

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka/admin"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/kafkatest"
	"github.com/waymark-events/waymark/services/sink"
)

const jointPartitions = 4

// newJointHouse is a house of several partitions with a view that counts what it was given.
func newJointHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse(t, jointPartitions)
	kafkatest.Topic(t, h.client, schemas.ErasuresTopic(region), 1, map[string]string{"cleanup.policy": "compact"})
	h.cfg.Erasure.Secret = erasureSecret
	h.cfg.Batch.Joint = true
	h.cfg.Batch.Age, h.cfg.Batch.FetchBytes = 300*time.Millisecond, 10_000
	h.exec(view)
	return h
}

// sendAll writes what make makes to each partition: raw partitions have the same offsets.
func (h *house) sendAll(n int, make func(n int) []event.Record) {
	h.t.Helper()
	before := h.sent
	for p := range int32(jointPartitions) {
		h.sent = before
		h.send(p, make(n)...)
	}
}

// sendUntil writes a few events to each partition again and again, and returns how many it wrote to each: what is ready at one time is joined
// sooner or later.
func (h *house) sendUntil(ok func() bool, make func(n int) []event.Record) (rows int64) {
	h.t.Helper()
	const each = 10
	kafkatest.Wait(h.t, func() bool {
		h.sendAll(each, make)
		rows += each
		return ok()
	}, "the step")
	return rows
}

// allSettled tells whether each partition has committed offset, without an intent.
func (h *house) allSettled(offset int64) func() bool {
	return func() bool {
		lag, err := admin.Lag(deadline(h.t), h.client, schemas.SinkGroup(region), schemas.EnrichedTopic(region))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, at := range lag {
			state, err := checkpoint.ParseSink(at.Metadata, at.Committed)
			if err != nil || at.Committed != offset || state.Next > 0 {
				return false
			}
		}
		return true
	}
}

// oneUnfit is make, but one event in each partition's first is one that ClickHouse takes nowhere: then no joint block can be stored, and fences are sent. unfit
// counts them.
func (h *house) oneUnfit(make func(n int) []event.Record, unfit *int) func(n int) []event.Record {
	calls := 0
	return func(n int) []event.Record {
		if calls++; calls%jointPartitions != 1 {
			return make(n)
		}
		*unfit++
		return append(make(n-1), h.unfit())
	}
}

// A sink that stores several partitions together is killed at each step of that, and whoever comes next, too: table and view have each event once.
func TestKillingASinkThatJoinsBatchesNeitherLosesNorDoubles(t *testing.T) {
	at := func(step string, nth int64, delay time.Duration) orders {
		return orders{At: step, Nth: nth, Delay: delay, Signal: syscall.SIGKILL}
	}
	cases := [][]orders{{at("inserted", 2, 0)}, {at("stored", 2, 0)}, {at("inserting jointly", 2, 500*time.Microsecond)}, {at("inserting jointly", 1, 3*time.Millisecond)},
		{at("inserting jointly", 1, 8*time.Millisecond)}, {at("inserting jointly", 1, 20*time.Millisecond)}}
	for _, step := range []string{"gathered", "joined", "inserting jointly"} {
		cases = append(cases, []orders{at(step, 1, 0)}, []orders{at(step, 3, 0)})
	}
	for _, step := range []string{"replaying", "readback", "healing", "stored"} {
		cases = append(cases, []orders{at("joined", 1, 0), at(step, 1, 0)}, []orders{at("joined", 1, 0), at(step, 2, 0)})
	}
	cases = append(cases, []orders{at("inserting jointly", 1, 30*time.Millisecond), at("readback", 2, 0), at("stored", 2, 0)})
	for _, step := range []string{"fencing", "fenced"} {
		cases = append(cases, []orders{at(step, 1, 0)}, []orders{at(step, 2, 0)}, []orders{at("fencing", 1, 0), at(step, 1, 0)})
	}
	room := make(chan struct{}, 4)
	var all sync.WaitGroup
	for _, kills := range cases {
		name := ""
		for _, k := range kills {
			name += fmt.Sprintf(" %s %d %s", k.At, k.Nth, k.Delay)
		}
		for _, months := range []int{1, 2} {
			all.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				t.Run(fmt.Sprintf("%s, %d months", strings.TrimSpace(name), months), func(t *testing.T) { killJointAndCount(t, kills, months) })
			})
		}
	}
	all.Wait()
}

func killJointAndCount(t *testing.T, kills []orders, months int) {
	h := newJointHouse(t)
	make := h.some
	if months > 1 {
		make = h.overTwoMonths
	}
	unfit := 0
	if slices.ContainsFunc(kills, func(k orders) bool { return strings.HasPrefix(k.At, "fenc") }) {
		make = h.oneUnfit(make, &unfit)
	}
	rows := int64(0)
	var all []*process
	for _, k := range kills {
		p := h.spawn(k)
		rows += h.sendUntil(p.over, make)
		p.killed()
		all = append(all, p)
	}
	last := h.spawn(orders{})
	kafkatest.Wait(t, h.allSettled(rows), "all of it settled")
	last.end()
	h.holdsOnce(int(rows)*jointPartitions-unfit, append(all, last)...)
}

// holdsOnce fails the test unless table and view have n events once; the view may lack some, or have some twice, if a sink said so.
func (h *house) holdsOnce(n int, sinks ...*process) {
	h.t.Helper()
	if !h.ours(n)() {
		h.t.Errorf("%d rows of %d events, want %d", h.count("SELECT count() FROM events"), h.count("SELECT uniqExact(event_id) FROM events"), n+h.strangers)
	}
	seen := h.count("SELECT count() FROM seen WHERE account_id != 'stranger'")
	unsure := slices.ContainsFunc(sinks, func(p *process) bool { return strings.Contains(p.log.String(), "materialized views may lack") })
	if seen != n && !unsure {
		h.t.Errorf("the view was given %d rows, want %d, and no sink is unsure", seen, n)
	}
	h.t.Logf("the view was given %d rows of %d; a sink is unsure: %t", seen, n, unsure)
}

// A sink is stopped past its session with its joint block on its way, and goes on when others have stored the batches: they have sent the same block.
func TestAJointBlockThatComesLateIsKeptOut(t *testing.T) {
	for _, months := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d months", months), func(t *testing.T) {
			h := newJointHouse(t)
			make := h.some
			if months > 1 {
				make = h.overTwoMonths
			}
			first := h.spawn(orders{At: "inserting jointly", Nth: 1, Signal: syscall.SIGSTOP})
			rows := h.sendUntil(first.isStopped, make)
			second := h.spawn(orders{})
			kafkatest.Wait(t, h.allSettled(rows), "all rows by the second sink")
			before := len(first.taken())
			first.goOn()
			kafkatest.Wait(t, func() bool { return contains(first.taken()[before:], "inserted", "formed") }, "the late block")
			second.end()
			first.end()
			if steps := second.taken(); !contains(steps, "healing") || contains(steps, "fencing") {
				t.Errorf("the second sink took %v, want it to send the block again, without a fence", steps)
			}
			h.holdsOnce(int(rows)*jointPartitions, second)
		})
	}
}

// One that was stopped before it sent the block asks first, and is told that the generation is over.
func TestASinkStoppedPastItsSessionSendsNoJointBlock(t *testing.T) {
	h := newJointHouse(t)
	first := h.spawn(orders{At: "joined", Nth: 1, Signal: syscall.SIGSTOP})
	rows := h.sendUntil(first.isStopped, h.some)
	second := h.spawn(orders{})
	kafkatest.Wait(t, h.allSettled(rows), "all rows by the second sink")
	before := len(first.taken())
	first.goOn()
	kafkatest.Wait(t, func() bool { return contains(first.taken()[before:], "confirming") }, "the first sink to ask")
	second.end()
	h.sendAll(5, h.some)
	kafkatest.Wait(t, h.allSettled(rows+5), "5 more by the first sink")
	first.end()
	steps := first.taken()[before:]
	if i, j := slices.Index(steps, "inserting jointly"), slices.Index(steps, "formed"); i >= 0 && i < j {
		t.Errorf("it went on with %v, want no joint block before new batches", steps)
	}
	h.holdsOnce(int(rows+5)*jointPartitions, second)
}

// contains tells whether one of the steps was taken.
func contains(steps []string, any ...string) bool {
	return slices.ContainsFunc(steps, func(step string) bool { return slices.Contains(any, step) })
}

// Sinks come and go while batches are joined: partitions change hands in the middle of them.
func TestARebalanceInTheMiddleOfJointBatchesNeitherLosesNorDoubles(t *testing.T) {
	h := newJointHouse(t)
	first := h.spawn(orders{})
	rows := h.sendUntil(func() bool { return contains(first.taken(), "joined") }, h.some)
	for i := range 4 {
		make := h.some
		if i%2 > 0 {
			make = h.overTwoMonths
		}
		other := h.spawn(orders{})
		rows += h.sendUntil(func() bool { return contains(other.taken(), "stored") }, make)
		other.end()
	}
	kafkatest.Wait(t, h.allSettled(rows), "all of it settled")
	first.end()
	h.holdsOnce(int(rows)*jointPartitions, first)
}

// Somebody is erased while their rows are in a joint batch, at each step before it is sent: it is not, the others' rows are stored once, and theirs are
// withheld, but for those that were stored alone before.
func TestWhoIsErasedInTheMiddleOfAJointBatchIsNotStored(t *testing.T) {
	for _, step := range []string{"gathered", "joined"} {
		t.Run(step, func(t *testing.T) {
			h := newJointHouse(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			registry := prometheus.NewRegistry()
			var once sync.Once
			var came atomic.Bool
			ctx = sink.WithTrace(ctx, func(name string) {
				if name == step {
					once.Do(func() {
						h.erase("v", erasure.Erase)
						kafkatest.Wait(t, func() bool { return gauge(t, registry, "waymark_erasures_tombstones") == 1 }, "that the sink knows of it")
						came.Store(true)
					})
				}
			})
			done := make(chan error, 1)
			go func() {
				done <- sink.Run(ctx, h.cfg, telemetry.Telemetry{Log: zap.NewNop(), Registry: registry, Health: new(telemetry.Health)})
			}()
			each := h.sendUntil(came.Load, func(int) []event.Record { return h.visits(5) })
			kafkatest.Wait(t, h.allSettled(each), "all of it settled")
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			of := int(each) / 2 * jointPartitions
			if n := h.count("SELECT count() FROM events WHERE visitor_id = 'w'"); n != of {
				t.Errorf("%d rows of others, want %d", n, of)
			}
			withheld := int(gauge(t, registry, "waymark_sink_erased_total"))
			stored := h.count("SELECT count() FROM events WHERE visitor_id = 'v'")
			if withheld < 2*5 || stored+withheld != of {
				t.Errorf("of %d rows of who was erased %d are stored and %d withheld, of at least two batches", of, stored, withheld)
			}
		})
	}
}
