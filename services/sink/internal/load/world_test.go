package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// A world is one partition of a log, its group's coordinator, a table with a small deduplication window, and the sinks that believe they
// own the partition. Every call a sink makes waits until the world answers it: so the order of all calls, and what becomes of each,
// is the world's choice. Time is synctest's.
type world struct {
	// choose returns a number from 0 to n-1.
	choose func(n int) int
	broken fault
	calm   bool // no more faults

	log       []event.Record
	committed struct {
		offset   int64
		metadata string
	}
	generation int32

	table  []row
	window []string // tokens of parts, the oldest first
	blocks atomic.Int64
	dead   map[string]bool // places given up

	// trace says what happened, for a failure.
	trace []string

	mu      sync.Mutex
	pending []*call
	sinks   []*member
}

// A fault breaks the protocol on purpose, where the sink cannot see it.
type fault string

const (
	sound          fault = ""
	noIntent       fault = "inserts without an intent"
	commitsEnd     fault = "commits the batch's end before its insert"
	anyEnd         fault = "a replay ends anywhere"
	noFence        fault = "an old generation may commit"
	blindReadBack  fault = "the read-back sees nothing"
	forgottenToken fault = "ClickHouse has no window"
)

// windowSize is the table's deduplication window, in blocks.
const windowSize = 8

// A row is what the table holds of an event, and the block it came with.
type row struct {
	place rows.Place
	event string
	month int
	block int64
}

// A member is a sink that was given the partition once.
type member struct {
	w          *world
	generation int32
	stop       context.CancelFunc
	killed     bool
	ended      chan struct{}
	err        error
}

// A call is one of a member's that waits for its answer.
type call struct {
	from   *member
	what   string
	about  string
	issued int64 // blocks then
	do     func()
	done   chan struct{}
}

// wait hands a call to the world and returns when it was done.
func (m *member) wait(what, about string, do func()) {
	c := &call{from: m, what: what, about: about, do: do, done: make(chan struct{})}
	m.w.mu.Lock()
	c.issued = m.w.blocks.Load()
	m.w.pending = append(m.w.pending, c)
	m.w.mu.Unlock()
	<-c.done
}

var errLost = errors.New("the answer was lost")

func (m *member) Fetch(ctx context.Context, _ string, _ int32, offset int64, opts kafka.FetchOptions) (out *kafka.Batch, err error) {
	m.wait("fetch", fmt.Sprint(offset), func() {
		end := int64(len(m.w.log))
		if m.w.fails(10) {
			err = errLost
			return
		}
		n := min(int64(1+m.w.choose(4)), end-offset)
		out = &kafka.Batch{Next: offset + n, HighWatermark: end}
		out.Records = append(out.Records, m.w.log[offset:offset+n]...)
	})
	if out == nil && err == nil { // the try is over
		return nil, errLost
	}
	if err == nil && len(out.Records) == 0 {
		select { // the broker waits for records
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(opts.MaxWait):
		}
	}
	return out, err
}

func (m *member) Commit(ctx context.Context, offset int64, metadata string) (err error) {
	m.wait("commit", fmt.Sprint(offset, " ", metadata), func() {
		switch {
		case m.killed:
			err = errLost
			return
		case m.generation != m.w.generation && m.w.broken != noFence:
			err = kafka.ErrFenced
			return
		case m.w.fails(12):
			err = errLost
			return
		}
		m.w.record(offset, metadata)
		if m.w.fails(12) {
			err = errLost
		}
	})
	if errors.Is(err, errLost) {
		select { // a Claim tries for a while itself
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return err
}

func (m *member) Send(ctx context.Context, _ string, recs []event.Record) (err error) {
	m.wait("bury", fmt.Sprint(len(recs)), func() {
		if m.w.fails(8) {
			err = errLost
			return
		}
		for i := range recs {
			var d event.Dead
			if e := d.UnmarshalVT(recs[i].Value); e != nil {
				err = e
				return
			}
			m.w.dead[fmt.Sprintf("%d", d.Offset)] = true
		}
	})
	return err
}

func (m *member) Check(context.Context) error { return nil }

func (m *member) Held(ctx context.Context, _ string, span rows.Span) (out []rows.Held, err error) {
	m.wait("read back", fmt.Sprint(span.Offsets), func() {
		switch {
		case m.w.fails(8):
			err = errLost
			return
		case m.w.broken == blindReadBack:
			return
		}
		for _, r := range m.w.table {
			if r.place.Offset >= span.Offsets[0] && r.place.Offset <= span.Offsets[1] {
				out = append(out, rows.Held{Place: r.place, Source: r.place})
			}
		}
	})
	return out, err
}

func (m *member) Delete(_ context.Context, _ int32, from, to int64, epoch uint32) (err error) {
	m.wait("delete", fmt.Sprint(from, to, epoch), func() {
		if m.w.fails(8) {
			err = errLost
			return
		}
		m.w.table = slices.DeleteFunc(m.w.table, func(r row) bool {
			return r.place.Offset >= from && r.place.Offset <= to && r.place.Epoch < epoch
		})
	})
	return err
}

// Insert applies a block part by part, as ClickHouse does: all of a month's rows or none, unless it knows the token.
func (m *member) Insert(ctx context.Context, _, token string, columns []clickhouse.Column) (err error) {
	values := make(map[string]any)
	for _, c := range columns {
		values[c.Name] = c.Values
	}
	parts := make(map[int][]row)
	refused := false
	names, props, offsets := values["event"].([]string), values["props"].([]string), values["raw_offset"].([]int64)
	for i := range names {
		r := row{
			place: rows.Place{Partition: values["raw_partition"].([]int32)[i], Offset: offsets[i], Epoch: values["epoch"].([]uint32)[i]},
			event: names[i], month: time.UnixMilli(values["time"].([]int64)[i]).UTC().Year(),
		}
		refused = refused || props[i] == badProps
		parts[r.month] = append(parts[r.month], r)
	}
	m.wait("insert", fmt.Sprint(token, offsets), func() {
		switch {
		case m.w.fails(8):
			err = errLost
			return
		case m.w.fails(8):
			err = &proto.Exception{Code: 252, Message: "too many parts"}
			return
		case refused:
			err = &proto.Exception{Code: 117, Message: "incorrect data"}
			return
		}
		for month := 2020; month < 2020+months; month++ {
			if len(parts[month]) == 0 {
				continue
			}
			if m.w.fails(8) { // the server died between two parts
				err = errLost
				return
			}
			m.w.apply(fmt.Sprintf("%d/%s", month, token), parts[month])
		}
		if m.w.fails(8) {
			err = errLost
		}
	})
	return err
}

// apply adds a part unless its token is in the window.
func (w *world) apply(token string, part []row) {
	for _, known := range w.window {
		if known == token && w.broken != forgottenToken {
			return
		}
	}
	w.push(token)
	for _, r := range part {
		r.block = w.blocks.Load()
		w.table = append(w.table, r)
	}
}

func (w *world) push(token string) {
	w.blocks.Add(1)
	w.window = append(w.window, token)
	w.window = w.window[max(0, len(w.window)-windowSize):]
}

// record stores a commit, or what a broken sink would have committed.
func (w *world) record(offset int64, metadata string) {
	if state := parse(metadata, offset); state.Next > 0 {
		switch w.broken {
		case noIntent:
			metadata = render(0, state)
		case commitsEnd:
			offset, metadata = state.Next, render(0, state)
		case anyEnd:
			metadata = render(offset+1+int64(w.choose(int(state.Next-offset))), state)
		}
	}
	w.committed.offset, w.committed.metadata = offset, metadata
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

// fails chooses a fault once in n times.
func (w *world) fails(n int) bool { return !w.calm && w.choose(n) == 0 }

const (
	badProps = `{"a":`
	months   = 2
	session  = 6 * time.Second
)

// assign gives the partition to a new sink in a new generation. Unless the old owner has ended, a session passes before.
func (w *world) assign() {
	for _, m := range w.sinks {
		select {
		case <-m.ended:
		default:
			<-time.After(session)
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
	l := newLoader(Settings{
		Region: "eu", Rows: 4, Bytes: 1 << 20, Age: time.Second, Memory: 1 << 20, Inserts: 1, Drain: time.Second,
		Fetch: kafka.FetchOptions{MaxBytes: 1000, MaxWait: 100 * time.Millisecond},
		Group: kafka.GroupConfig{SessionTimeout: session, RebalanceTimeout: session}, EventsTopic: "enriched", DeadTopic: "dead",
	}, nil, m, m, m, zap.NewNop(), metrics)
	claim := &kafka.Claim{Topic: "enriched", Generation: w.generation, Offset: w.committed.offset, Metadata: w.committed.metadata}
	w.sinks = append(w.sinks, m)
	go func() {
		defer close(m.ended)
		m.err = l.consume(ctx, claim, m)
	}()
}

// step answers one call, or lets time pass when nobody calls.
func (w *world) step() {
	synctest.Wait()
	w.mu.Lock()
	var can []*call
	for _, c := range w.pending {
		// An insert that was sent is not under way for ever: this one lands before the window has moved on.
		if c.what == "insert" && w.blocks.Load()-c.issued >= 2 {
			can = []*call{c}
			break
		}
		can = append(can, c)
	}
	w.mu.Unlock()
	// Each sink waits for one call at most. In this order a failure can be repeated.
	slices.SortFunc(can, func(a, b *call) int { return int(a.from.generation - b.from.generation) })
	if len(can) == 0 {
		<-time.After(50 * time.Millisecond)
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
	before := w.blocks.Load()
	func() {
		defer close(c.done) // also when choose panics: its sink must be able to end
		c.do()
	}()
	w.note("sink %d: %s %s, %d blocks", c.from.generation, c.what, c.about, w.blocks.Load()-before)
	synctest.Wait()
}

// stranger inserts a block of another partition's, unless an insert is under way. So many take a while: the window does not pass in the
// time for which a sink relies on what it read.
func (w *world) stranger() {
	<-time.After(session)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.pending {
		if c.what == "insert" {
			return
		}
	}
	w.note("a stranger's block")
	w.push(fmt.Sprintf("stranger %d", w.blocks.Load()))
}

// produce appends what an enricher writes: events of rising sources, now and then a rewind after its death, and poison.
func (w *world) produce(n int) {
	source, epoch := int64(0), uint32(0)
	for len(w.log) < n {
		at := int64(len(w.log))
		if source > 0 && w.choose(6) == 0 {
			source = max(0, source-1-int64(w.choose(4)))
		}
		if source > 0 && w.choose(20) == 0 { // a re-enrichment
			source, epoch = max(0, source-1-int64(w.choose(12))), epoch+1
		}
		id := uuid.UUID{15: byte(source), 14: byte(source >> 8)}
		e := event.Enriched{EventId: id[:], Event: fmt.Sprint("e", source, " of ", epoch), RawOffset: source, Epoch: epoch}
		// An enricher makes the same of the same raw record.
		e.Time = time.Date(2020+int(source*7)%months, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		if source%9 == 5 {
			e.Props = []byte(badProps)
		}
		value, err := e.MarshalVT()
		if err != nil {
			panic(err)
		}
		if source%11 == 10 && epoch == 0 && w.choose(2) == 0 {
			value = []byte{0xff, 0xff}
		}
		w.log = append(w.log, event.Record{Offset: at, Timestamp: 1, Value: value})
		source++
	}
}
