package load

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// A world is one partition of a log, its group's coordinator, a table with a small deduplication window and a view, the enricher that
// writes the log, and the sinks that believe they own the partition. Every call a sink makes waits until the world answers it: so the order
// of all calls, and what becomes of each, is the world's choice. Logs, group and table lose their identity by its choice too. Time is
// synctest's.
type world struct {
	// choose returns a number from 0 to n-1.
	choose func(n int) int
	broken fault
	calm   bool // no more faults
	// plain is true for a world whose logs keep their identity, with nothing enriched twice and no bad rows: there the view is held to all.
	plain bool
	// newest is true while calls of the last generation go first.
	newest bool
	// slow is after how many other blocks an insert that was sent lands at the latest.
	slow int64
	// hides is true where a joint block may be under way without being seen.
	hides bool
	coin  int
	// lingers is true while what an old generation has sent, and nobody sees, stays on its way.
	lingers bool

	log       *simLog
	enricher  simEnricher
	committed struct {
		offset   int64
		metadata string
	}
	generation int32

	table simTable
	// erasures are who was erased.
	erasures simErasures
	// dead are places on the enriched log that were given up, refused the raw records of those that could be read.
	dead, refused map[rows.Position]bool

	// skipped are raw records that an operator had passed over, or whose rows were dropped: the table may lack them.
	skipped map[rows.Position]bool
	// excused is true once the view may lack rows, and the next owner says so; told, once a sink has said it of a block.
	excused bool
	told    atomic.Bool
	// sentAgain are rows that were pushed to the view once more by a block that was sent after they were stored.
	sentAgain []rows.Position
	// reached are the states that were come to, of mostReached.
	reached map[string]bool
	// trace says what happened, for a failure.
	trace []string

	mu      sync.Mutex
	pending []*call
	sinks   []*member
}

// A fault breaks the protocol on purpose: a safeguard that is not missed when it is gone is none.
type fault string

const (
	sound          fault = ""
	noIntent       fault = "inserts without an intent"
	commitsEnd     fault = "commits the batch's end before its insert"
	anyEnd         fault = "a replay ends anywhere"
	noFence        fault = "an old generation may commit"
	blindReadBack  fault = "the read-back sees nothing"
	forgottenToken fault = "ClickHouse has no window"
	noRepeatCheck  fault = "what is stored is forgotten at a commit"
	noIncarnation  fault = "a topic made anew has the old one's id"
	noLeaderEpochs fault = "a truncation goes unnoticed"
	blindMemory    fault = "the table is not asked what it holds where the memory is gone"
	hasty          fault = "inserts under way are not waited for where the memory is gone"
	staleLook      fault = "a look at the table is relied on for ever"
	staleConfirm   fault = "an answer of the coordinator is relied on for ever"
	eagerHealing   fault = "a block is sent again though its token may be forgotten"
	halvesUnmarked fault = "an intent does not say that halves were sent"
	viewsAreRows   fault = "a view's refusal counts as a row's"
	tableIsRows    fault = "a table that takes nothing counts as rows that are bad"
	deaf           fault = "who was erased is not asked"
	hastyErasure   fault = "an erasure does not wait for those who have not heard of it"
	blindErasure   fault = "an erasure does not wait for inserts under way"
)

// A member is a sink that was given the partition once.
type member struct {
	w          *world
	generation int32
	stop       context.CancelFunc
	killed     bool
	verified   int32 // leader epoch
	ended      chan struct{}
	err        error
}

// A call is one of a member's that waits for its answer.
type call struct {
	from   *member
	what   string
	about  string
	issued int64 // blocks then
	at     time.Time
	hidden bool // no server is busy with it yet
	late   bool // it arrives when another block has, or when nobody does anything
	do     func()
	done   chan struct{}
}

// record stores a commit, or what a broken sink would have committed.
func (w *world) record(offset int64, metadata string) {
	state := parse(metadata, offset)
	if state.Next > 0 {
		switch w.broken {
		case noIntent:
			state.Next = 0
		case commitsEnd:
			offset, state.Next = state.Next, 0
		case anyEnd:
			state.Next = offset + 1 + int64(w.choose(int(state.Next-offset)))
		case halvesUnmarked:
			state.Halved = false
		}
	}
	// Halves are not healed, and an intent on a log that is no more cannot be read again: the next owner says so.
	if state.Halved && !w.plain || state.Next > 0 && (state.Log != w.log.id || w.log.endOf(state.NextLeaderEpoch) < state.Next) {
		w.excused = true
	}
	if w.broken == noRepeatCheck {
		for i, m := range state.Marks {
			state.Marks[i] = checkpoint.NewMark(m.Topic)
		}
	}
	w.committed.offset, w.committed.metadata = offset, state.String()
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

func (w *world) reach(state string) { w.reached[state] = true }

// fails chooses a fault once in n times.
func (w *world) fails(n int) bool { return !w.calm && w.choose(n) == 0 }

const (
	badProps = `{"a":`
	months   = 2
	session  = 6 * time.Second
)

// pass lets time pass, and what waited for it go on.
func (w *world) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// assign gives the partition to a new sink in a new generation. Unless the old owner has ended, a session passes before.
func (w *world) assign() {
	for _, m := range w.sinks {
		if !m.over() {
			w.pass(session)
		}
	}
	w.generation++
	w.note("generation %d begins at %d %s", w.generation, w.committed.offset, w.committed.metadata)
	ctx, stop := context.WithCancel(context.Background())
	m := &member{w: w, generation: w.generation, stop: stop, ended: make(chan struct{})}
	metrics, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	metrics.unsureViews = counter{metrics.unsureViews, &w.told}
	l := newLoader(Settings{
		Region: "eu", Batch: Limits{Rows: 4, Bytes: 1 << 20, Age: time.Second}, Memory: 1 << 20, Inserts: 1, Drain: time.Second,
		Fetch: kafka.FetchOptions{MaxBytes: 1000, MaxWait: 100 * time.Millisecond},
		Group: kafka.GroupConfig{SessionTimeout: session, RebalanceTimeout: session}, DeadTopic: "dead",
	}, outside{log: m, producer: m, tables: m}, telemetry.Telemetry{Log: zap.NewNop()}, metrics)
	switch w.broken {
	case staleLook:
		l.lookHolds = time.Hour
	case staleConfirm:
		l.claimHolds = time.Hour
	}
	// The process may be stopped anywhere between a look and what rests on it.
	ctx = WithTrace(ctx, func(name string) {
		if name == "readback" || name == "intended" || name == "confirming" {
			m.wait("step", name, func() {})
		}
	})
	view := m.listens(ctx)
	if w.broken != deaf {
		l.erasures = view
	}
	claim := &kafka.Claim{Topic: "enriched", Generation: w.generation, Offset: w.committed.offset, Metadata: w.committed.metadata}
	w.sinks = append(w.sinks, m)
	go func() {
		defer close(m.ended)
		m.err = l.consume(ctx, claim, m, (*partition).store)
	}()
}

// A counter notes that something was counted.
type counter struct {
	prometheus.Counter
	told *atomic.Bool
}

func (c counter) Inc() { c.told.Store(true) }

// owner is the sink that was given the partition last.
func (w *world) owner() *member { return w.sinks[len(w.sinks)-1] }

func (m *member) over() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// kill ends a member as kill -9 does: what it had sent may still arrive.
func (m *member) kill() {
	m.killed = true
	m.stop()
}

// step answers one call, or lets time pass when nobody calls.
func (w *world) step() {
	synctest.Wait()
	w.mu.Lock()
	var can []*call
	for _, c := range w.pending {
		// An insert that was sent is not under way for ever: this one lands before the window has moved on.
		if c.what == "insert" && w.table.blocks.Load()-c.issued >= w.slow {
			can = []*call{c}
			break
		}
		if !w.stays(c) && (!c.late || w.table.blocks.Load() > c.issued) {
			can = append(can, c)
		}
	}
	if len(can) == 0 { // nobody does anything before the late ones have landed
		can = slices.Clone(w.pending)
	}
	w.mu.Unlock()
	if last := slices.DeleteFunc(slices.Clone(can), func(c *call) bool { return c.from.generation < w.generation }); w.newest && len(last) > 0 {
		can = last
	}
	// A loop waits for one call at most. In this order a failure can be repeated.
	slices.SortFunc(can, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.from.generation, b.from.generation), cmp.Compare(a.what, b.what), cmp.Compare(a.about, b.about))
	})
	if len(can) == 0 {
		w.pass(50 * time.Millisecond)
		return
	}
	w.answer(can[w.choose(len(can))])
}

func (w *world) answer(c *call) {
	w.mu.Lock()
	for i := range w.pending {
		if w.pending[i] == c {
			w.pending = append(w.pending[:i:i], w.pending[i+1:]...)
			break
		}
	}
	w.mu.Unlock()
	before := w.table.blocks.Load()
	func() {
		defer close(c.done) // also when choose panics: its sink must be able to end
		c.do()
	}()
	w.note("sink %d: %s %s, %d blocks", c.from.generation, c.what, c.about, w.table.blocks.Load()-before)
	synctest.Wait()
}

// emptyGroup kills every member: a group without members for so long that an operator may touch its offsets, or the broker forget them. What
// they had sent has arrived by then, mostly; an insert may take longer.
func (w *world) emptyGroup() {
	for _, m := range w.sinks {
		m.kill()
	}
	if w.choose(3) == 0 {
		w.mu.Lock()
		for _, c := range w.pending {
			c.late = c.what == "insert"
		}
		w.mu.Unlock()
		w.pass(session)
		return
	}
	w.calm = true
	for _, m := range w.sinks {
		for !m.over() {
			w.step()
		}
	}
	w.calm = false
	w.pass(session)
}

// stranger inserts a block of another partition's, unless an insert is under way. So many take a while: the window does not pass in the
// time for which a sink relies on what it read.
func (w *world) stranger() {
	w.pass(session)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.pending {
		if c.what == "insert" {
			return
		}
	}
	w.note("a stranger's block")
	w.table.push(fmt.Sprintf("stranger %d", w.table.blocks.Load()))
}

// nameOf reads which raw record an enriched one was made of.
func nameOf(value []byte) (rows.Position, bool) {
	var e event.Enriched
	if e.UnmarshalVT(value) != nil {
		return rows.Position{}, false
	}
	return rows.Position{TopicID: uuid.UUID(e.RawTopicId), LeaderEpoch: e.RawLeaderEpoch, Offset: e.RawOffset}, true
}

func parse(metadata string, offset int64) checkpoint.Sink {
	state, err := checkpoint.ParseSink(metadata, offset)
	if err != nil {
		panic(err)
	}
	return state
}
