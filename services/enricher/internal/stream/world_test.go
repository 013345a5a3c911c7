package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// A world is one partition of the raw and the enriched topic, the enrichers' group, a sink with its table, and the enrichers that believe
// they own the partition. Every call that an enricher makes waits until the world answers it: so the order of all calls, and what becomes
// of each, is the world's choice. Time is synctest's.
type world struct {
	base   *Stream
	choose func(n int) int
	broken sabotage
	calm   bool // no more faults
	denied bool // the sink's group cannot be read
	// belowMark is true when nothing that may be read told the epoch: not the group, nor the enriched log, and the sink must not be asked.
	belowMark bool

	raw, enriched *topic // nil while it is deleted
	rawNow        []*topic
	deadIsThere   bool
	committed     struct {
		offset   int64
		metadata string
		honest   string // before a sabotage changed it
	}
	generation int32
	sink       sink
	dead       map[name]bool
	unstored   map[name]bool // lay on the enriched topic when it lost them, and had not been stored
	unnoticed  bool          // the enriched topic lost something, and nothing on it is of a higher epoch than lossEpoch
	lossEpoch  uint32
	cutLog     *topic        // the enriched topic that lost something last
	mayRepeat  bool          // clients' repetitions may pass: what tells them was lost
	staleWrite bool          // a former owner wrote behind the next one's back
	forgiven   map[name]bool // of unstored, those of which the evidence was written over
	told       map[uuid.UUID][]report
	reached    map[string]int

	lastEvent int
	trace     []string

	saying  sync.Mutex // of trace
	mu      sync.Mutex
	pending []*call
	members []*member
}

// A name is a raw record's.
type name struct {
	topic  uuid.UUID
	leader int32
	offset int64
}

// A topic is one incarnation of a log.
type topic struct {
	id      uuid.UUID
	records []event.Record
	start   int64
	leader  int32
	begins  []kafka.Position // of leader epochs
	ever    []event.Record   // also what a truncation took
	cut     bool             // it was truncated, at cutAt or behind it
	cutAt   int64
	gone    bool
	known   bool  // something that lasts names it
	upTo    int32 // leader epoch of what was committed last
	judged  bool  // a successor was begun
	excused bool  // nothing was known of it any more by then
	trimmed bool  // retention took what was not committed
	shown   int64 // an end of it that the owner was told
}

func (t *topic) end() int64 { return int64(len(t.records)) }

func (t *topic) append(rec event.Record) {
	rec.Offset, rec.LeaderEpoch = t.end(), t.leader
	if n := len(t.begins); n == 0 || t.begins[n-1].LeaderEpoch != t.leader {
		t.begins = append(t.begins, kafka.Position{Offset: t.end(), LeaderEpoch: t.leader})
	}
	t.records = append(t.records, rec)
	t.ever = append(t.ever, rec)
}

// elect makes a leader that has the log up to end.
func (t *topic) elect(end int64) {
	t.records = slices.Clip(t.records[:end])
	t.start = min(t.start, end)
	t.begins = slices.DeleteFunc(t.begins, func(p kafka.Position) bool { return p.Offset >= end })
	t.leader++
	if !t.cut || end < t.cutAt {
		t.cut, t.cutAt = true, end
	}
}

// epochEnd is where a leader epoch ends, as a leader tells: where the next one begins that it knows, even if it knows none so low.
func (t *topic) epochEnd(epoch int32) int64 {
	for _, p := range t.begins {
		if p.LeaderEpoch > epoch {
			return max(p.Offset, t.start)
		}
	}
	return t.end()
}

// passes is how long nothing is answered when time passes: longer than every pause there is.
const passes = 11 * time.Second

// drain ends between two moments at which calls are answered, and long after the longest pause that began at the first of them: so that no
// random part of a pause decides whether the work in hand was finished.
const drain = passes + passes - time.Second/2

// A member is an enricher that was given the partition once.
type member struct {
	w          *world
	number     int
	generation int32
	stop       context.CancelFunc
	killed     bool
	ended      chan struct{}
	err        error
	late       []event.Record // produced, and not there yet
	lateTo     *topic
	wrote      int64 // where a blindProduce believes that the log ends
	// verified are the leaders under which Verify found logs in order: under another one nothing is fetched.
	verified map[uuid.UUID]int32
}

// A call is one of a member's that waits for its answer.
type call struct {
	from *member
	what string
	do   func() string
	done chan struct{}
}

var errLost = errors.New("the answer was lost")

// wait hands a call to the world and returns when it was answered. do returns what to note.
func (m *member) wait(what string, do func() string) {
	c := &call{from: m, what: what, do: do, done: make(chan struct{})}
	m.w.mu.Lock()
	m.w.pending = append(m.w.pending, c)
	m.w.mu.Unlock()
	<-c.done
}

// fails chooses a fault once in n times.
func (w *world) fails(n int) bool { return !w.calm && w.choose(n) == 0 }

func (w *world) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.saying.Lock()
	defer w.saying.Unlock()
	w.trace = append(w.trace, text)
}

// of returns the topic of a name.
func (w *world) of(topic string) (*topic, error) {
	t := w.raw
	if topic == w.base.topics.enriched {
		t = w.enriched
	}
	if topic == w.base.topics.dead && w.deadIsThere {
		return nil, nil
	}
	if t == nil || topic == w.base.topics.dead {
		return nil, kafka.ErrUnknownTopic
	}
	return t, nil
}

func (m *member) Partitions(_ context.Context, topic string) (n int, err error) {
	m.wait("partitions", func() string {
		_, err = m.w.of(topic)
		return ""
	})
	return 1, err
}

func (m *member) Log(_ context.Context, topic string, partition int32) (log kafka.Log, err error) {
	m.wait("log", func() string {
		t, e := m.w.of(topic)
		if err = e; err == nil {
			log = kafka.Log{Topic: topic, ID: t.id, Partition: partition}
		}
		if m.w.broken == logsByName {
			log.ID = uuid.UUID{15: byte(len(topic))}
		}
		return ""
	})
	return log, err
}

// same returns the log's topic, where it is still the one that has the name.
func (m *member) same(log kafka.Log) (*topic, error) {
	t, err := m.w.of(log.Topic)
	if err == nil && t.id != log.ID && m.w.broken != logsByName {
		return nil, kafka.ErrLogGone
	}
	return t, err
}

func (m *member) Offsets(_ context.Context, topic string) (out []kafka.PartitionOffsets, err error) {
	m.wait("offsets", func() string {
		if m.w.fails(20) {
			err = errLost
			return "fails"
		}
		t, e := m.w.of(topic)
		if err = e; err == nil {
			out = []kafka.PartitionOffsets{{Start: t.start, End: t.end()}}
			t.shown = max(t.shown, t.end())
		}
		return fmt.Sprint(topic, out)
	})
	return out, err
}

func (m *member) OffsetsAt(context.Context, string, time.Time) ([]int64, error) {
	return []int64{0}, nil
}

func (m *member) Verify(_ context.Context, log kafka.Log, at kafka.Position) (err error) {
	m.wait("verify", func() string {
		t, e := m.same(log)
		if err = e; err != nil {
			return fmt.Sprint(log.Topic, at, err)
		}
		if at.LeaderEpoch != kafka.NoLeaderEpoch && at.Offset > 0 {
			end := t.epochEnd(at.LeaderEpoch)
			if end < at.Offset && (m.w.broken != noVerify || at.Offset == math.MaxInt64) {
				err = &kafka.Truncated{Topic: log.Topic, Offset: at.Offset, To: end}
			}
		}
		if _, known := m.verified[log.ID]; err == nil && (!known || m.w.broken != oldLeader || log.Topic != m.w.base.topics.enriched) {
			m.verified[log.ID] = t.leader
		}
		return fmt.Sprint(log.Topic, at, err)
	})
	return err
}

// newLeader tells whether a log's leader is another one than when the log was verified.
func (m *member) newLeader(log kafka.Log, t *topic) bool {
	leader, known := m.verified[log.ID]
	return known && leader != t.leader
}

func (m *member) Fetch(ctx context.Context, log kafka.Log, offset int64, opts kafka.FetchOptions) (out *kafka.Batch, err error) {
	what := "fetch"
	if log.Topic == m.w.base.topics.enriched {
		what = "remember"
	}
	m.wait(what, func() string {
		if m.w.fails(20) {
			err = errLost
			return "fails"
		}
		t, e := m.same(log)
		switch {
		case e != nil:
			err = e
			return fmt.Sprint(err)
		case m.newLeader(log, t):
			m.w.reach("a new leader while " + what)
			err = kafkago.FencedLeaderEpoch
			return fmt.Sprint(err)
		case offset < t.start || offset > t.end():
			err = &kafka.OffsetOutOfRange{Topic: log.Topic, Offset: offset, Start: t.start, End: t.end()}
			return fmt.Sprint(err)
		}
		n := min(int64(1+m.w.choose(5)), t.end()-offset)
		if what == "remember" {
			n = t.end() - offset
		}
		out = &kafka.Batch{Next: offset + n, LeaderEpoch: kafka.NoLeaderEpoch, HighWatermark: t.end(), LogStart: t.start}
		out.Records = append(out.Records, t.records[offset:offset+n]...)
		if n > 0 {
			out.LeaderEpoch = out.Records[n-1].LeaderEpoch
		}
		if what == "remember" {
			m.w.falsify(out)
		}
		return fmt.Sprintf("%d to %d", offset, offset+n-1)
	})
	if err == nil && len(out.Records) == 0 {
		select { // the broker waits for records
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(opts.MaxWait):
		}
	}
	return out, err
}

func (m *member) Committed(context.Context, string, string) (out []kafka.Commitment, err error) {
	m.wait("sink's offset", func() string {
		switch {
		case m.w.denied:
			err = kafkago.GroupAuthorizationFailed
		case m.w.fails(10):
			err = errLost
		default:
			out = []kafka.Commitment{m.w.sink.commitment()}
		}
		return fmt.Sprint(out, err)
	})
	return out, err
}

func (m *member) Produce(_ context.Context, _ string, _ int32, recs []event.Record) (base int64, err error) {
	m.wait("produce", func() string {
		t := m.w.enriched
		switch {
		case t == nil:
			err = kafka.ErrUnknownTopic
			return fmt.Sprint(err)
		case m.w.fails(15):
			err = errLost
			return "fails"
		case m.w.fails(15): // on its way still. A batch of the same producer that comes before it is the last of it (KIP-360).
			m.late, m.lateTo, err = clones(recs), t, errLost
			m.w.reach("a late write")
			return "late"
		}
		m.late = nil
		base = t.end()
		part := recs
		if m.killed || m.w.fails(25) { // it dies with a part of it written, or the answer is lost
			part = recs[:m.w.choose(len(recs)+1)]
			err = errLost
		}
		for _, rec := range clones(part) {
			t.append(rec)
		}
		if err != nil {
			m.w.filled()
		}
		m.w.staleWrite = m.w.staleWrite || m.generation != m.w.generation
		for i := range part {
			if o, _ := parseOrigin(part[i].Value); o.Epoch > m.w.lossEpoch {
				m.w.unnoticed = false
			}
		}
		if err == nil && m.w.fails(10) {
			base = -1
		} else if err == nil {
			t.shown = max(t.shown, t.end())
		}
		if m.w.broken == blindProduce {
			base = max(base, m.wrote)
			m.wrote = base + int64(len(part))
		}
		return fmt.Sprintf("%d of %d at %d, %v: %s", len(part), len(recs), base, err, describe(part))
	})
	return base, err
}

func describe(recs []event.Record) string {
	var out []string
	for _, rec := range recs {
		o, _ := parseOrigin(rec.Value)
		out = append(out, fmt.Sprintf("%x:%d.%d.%d", o.Topic[15], o.Epoch, o.LeaderEpoch, o.Offset))
	}
	return strings.Join(out, " ")
}

func clones(records []event.Record) []event.Record {
	out := make([]event.Record, len(records))
	for i, rec := range records {
		out[i] = event.Record{Timestamp: rec.Timestamp, Key: rec.Key, Value: slices.Clone(rec.Value)}
	}
	return out
}

func (m *member) Send(_ context.Context, _ string, recs []event.Record) (err error) {
	m.wait("bury", func() string {
		switch {
		case !m.w.deadIsThere:
			err = kafka.ErrUnknownTopic
			return fmt.Sprint(err)
		case m.killed || m.w.fails(10):
			err = errLost
			return "fails"
		}
		for i := range recs {
			var d event.Dead
			if e := d.UnmarshalVT(recs[i].Value); e != nil {
				panic(e)
			}
			m.w.dead[name{uuid.UUID(d.TopicId), d.LeaderEpoch, d.Offset}] = true
		}
		if m.w.fails(15) {
			err = errLost
		}
		return fmt.Sprint(len(recs), err)
	})
	return err
}

func (m *member) Commit(_ context.Context, offset int64, metadata string) (err error) {
	m.wait("commit", func() string {
		switch {
		case m.killed:
			err = errLost
		case m.generation != m.w.generation && m.w.broken != noFence:
			m.w.reach("a fenced commit")
			err = kafka.ErrFenced
		case m.w.raw == nil:
			err = kafka.ErrUnknownTopic
		case m.w.fails(15):
			err = errLost
		default:
			m.w.know(metadata)
			m.w.committed.offset, m.w.committed.metadata = m.w.tamper(offset, metadata)
			m.w.committed.honest = metadata
			if m.w.fails(15) {
				err = errLost
			}
		}
		return fmt.Sprint(offset, metadata, err)
	})
	return err
}

// filled looks whether what was written without an answer has filled up what was cut: nobody sees where it lies then.
func (w *world) filled() {
	if w.unnoticed && w.enriched == w.cutLog && w.enriched.end() >= w.enriched.shown {
		w.reach("a cut filled up")
		w.forgive()
	}
}

// land lets a late write of a member's happen.
func (w *world) land(m *member) {
	if m.late == nil {
		return
	}
	if w.enriched != nil && w.enriched == m.lateTo {
		w.note("member %d: what was late is written at %d: %s", m.number, w.enriched.end(), describe(m.late))
		w.reach("a late write lands")
		w.staleWrite = true
		for _, rec := range m.late {
			w.enriched.append(rec)
		}
		w.filled()
	}
	m.late = nil
}

// assign gives the partition to a new enricher in a new generation.
func (w *world) assign() {
	if at, _ := checkpoint.ParseEnricher(w.committed.honest); w.unnoticed && (at.Log == uuid.Nil || w.enriched != nil && at.Enriched == w.enriched.id && at.Written == 0) {
		w.forgive() // only the owner had seen how far the log went, and nothing was written since its begin
	}
	w.generation++
	w.note("generation %d begins at %d %s", w.generation, w.committed.offset, w.committed.metadata)
	ctx, stop := context.WithCancel(context.Background())
	m := &member{w: w, number: len(w.members), generation: w.generation, stop: stop, ended: make(chan struct{}), verified: make(map[uuid.UUID]int32)}
	s := &Stream{
		settings: Settings{Region: "us", MaxRecordBytes: 10_000, Drain: drain, Window: Window{time.Hour, 64}, Fetch: kafka.FetchOptions{MaxWait: 500 * time.Millisecond}},
		topics:   w.base.topics, reader: m, writer: m, log: zap.New(ear{w, m}), metrics: w.base.metrics, enrich: w.base.enrich,
		resume: func(e evidence) decision { return w.decide(m, e) },
	}
	claim := &kafka.Claim{Topic: s.topics.raw, Generation: w.generation, Offset: w.committed.offset, Metadata: w.committed.metadata}
	w.members = append(w.members, m)
	go func() {
		defer close(m.ended)
		m.err = s.consume(ctx, claim, m)
	}()
	synctest.Wait()
}

// decide records what the real decision tells.
func (w *world) decide(m *member, e evidence) decision {
	e = w.blind(e)
	d := resume(e)
	w.mu.Lock()
	defer w.mu.Unlock()
	if known := e.settled(); !known.known() && e.at.Log != e.raw.id { // what was deleted before anybody knew the log
		w.told[e.raw.id] = append(w.told[e.raw.id], report{to: e.raw.start})
	}
	for _, t := range w.rawNow {
		if t.gone && !t.judged && e.raw.id != t.id {
			t.judged, t.excused = true, e.at.Log != t.id && e.stranger.Topic != t.id
		}
	}
	for _, r := range d.reports {
		if r.cause != "" {
			w.reach(r.cause)
		}
	}
	if mark, has := w.sink.state.Marks.Find(e.raw.id); has && w.denied && mark.Epoch > d.epoch {
		w.belowMark = true
	}
	if w.enriched != nil && w.enriched.id == e.enriched.id && m.generation == w.generation {
		w.enriched.shown = e.enriched.end // what it was before is made up for
	}
	d = w.misdecide(e, d)
	w.note("member %d begins at %d, leader epoch %d, under epoch %d; stored %d", m.number, d.Offset, d.LeaderEpoch, d.epoch, d.stored)
	return d
}

// An ear hears what an enricher says of lost records.
type ear struct {
	w *world
	m *member
}

func (e ear) Enabled(level zapcore.Level) bool  { return level >= zap.InfoLevel }
func (e ear) With([]zapcore.Field) zapcore.Core { return e }
func (e ear) Sync() error                       { return nil }
func (e ear) Check(entry zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return to.AddCore(entry, e)
}

func (e ear) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	r := report{to: open}
	for _, f := range fields {
		switch f.Key {
		case "of_topic_id":
			r.lost, r.topic = true, f.Interface.(uuid.UUID)
		case "from_offset":
			r.from = f.Integer
		case "to_offset":
			r.to = f.Integer + 1
		}
	}
	if r.lost {
		e.w.told[r.topic] = append(e.w.told[r.topic], r)
	}
	e.w.note("member %d says: %s (of %x, %d to %d)", e.m.number, entry.Message, r.topic[15], r.from, r.to)
	return nil
}

// know notes the raw log that metadata names.
func (w *world) know(metadata string) {
	at, err := checkpoint.ParseEnricher(metadata)
	for _, t := range w.rawNow {
		if err == nil && t.id == at.Log {
			t.known, t.upTo = true, at.LeaderEpoch
		}
	}
}

func (w *world) reach(what string) { w.reached[what]++ }

// can lists the calls that wait, in an order that follows from the choices.
func (w *world) can() []*call {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.pending, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.from.number, b.from.number), cmp.Compare(a.what, b.what))
	})
	return slices.Clone(w.pending)
}

// step answers one call, or lets time pass when nobody calls: enough for every pause there is, so that what was random in them does not
// matter.
func (w *world) step() {
	can := w.can()
	if len(can) == 0 || !w.calm && w.choose(30) == 0 {
		<-time.After(passes)
		synctest.Wait()
		return
	}
	w.answer(can[w.choose(len(can))])
}

func (w *world) answer(c *call) {
	w.mu.Lock()
	w.pending = slices.DeleteFunc(w.pending, func(other *call) bool { return other == c })
	w.mu.Unlock()
	defer synctest.Wait()
	defer close(c.done)
	defer func() {
		if problem := recover(); problem != nil { // choose's: the member must be able to end
			w.calm, w.choose = true, func(int) int { return 0 }
			c.do()
			panic(problem)
		}
	}()
	w.note("member %d: %s %s", c.from.number, c.what, c.do())
}

// halt takes the partition from m, which may finish.
func (m *member) halt() {
	m.stop()
	synctest.Wait()
}

func (m *member) over() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// newTopic makes an incarnation.
func (w *world) newTopic() *topic {
	w.lastEvent++
	return &topic{id: uuid.UUID{0: 1, 14: byte(w.lastEvent >> 8), 15: byte(w.lastEvent)}}
}

// newRaw makes the raw topic anew.
func (w *world) newRaw() {
	w.raw = w.newTopic()
	w.rawNow = append(w.rawNow, w.raw)
}

// send appends raw events: new ones, clients' repetitions, dead ones.
func (w *world) send(n int) {
	for range n {
		if w.raw == nil {
			return
		}
		value := "fine"
		w.lastEvent++
		id := w.lastEvent
		switch w.choose(8) {
		case 0:
			id -= 1 + w.choose(min(12, id))
		case 1:
			value = "dead"
		}
		w.raw.append(repetition(0, int64(id), value))
	}
}

// A sink is one, by the contract.
type sink struct {
	w      *world
	state  checkpoint.Sink
	offset int64
	known  bool // something is committed
	table  map[name][]row
}

type row struct {
	epoch uint32
	event uuid.UUID
}

func (s *sink) commitment() kafka.Commitment {
	if !s.known {
		return kafka.Commitment{Offset: -1}
	}
	return kafka.Commitment{Offset: s.offset, Metadata: s.state.String()}
}

// store takes up to n records of the enriched log.
func (s *sink) store(n int64) {
	t := s.w.enriched
	if t == nil {
		return
	}
	if !s.known || s.state.Log != t.id {
		s.w.note("the sink begins on another log")
		marks := s.state.Marks
		s.state, s.offset, s.known = checkpoint.NewSink(t.id), t.start, true
		if s.w.choose(2) == 0 {
			s.state.Marks = marks
		}
	}
	for ; n > 0 && s.offset < t.end(); n-- {
		o, err := parseOrigin(t.records[s.offset].Value)
		if err != nil {
			panic(err)
		}
		s.offset++
		mark, known := s.state.Marks.Find(o.Topic)
		if !known {
			mark = checkpoint.NewMark(o.Topic)
			for n, rows := range s.table {
				if n.topic == o.Topic {
					for _, r := range rows {
						if at := (checkpoint.Source{Topic: n.topic, Epoch: r.epoch, LeaderEpoch: n.leader, Offset: n.offset}); at.After(mark.Doubt) {
							mark.Doubt = at
						}
					}
				}
			}
		}
		if !o.After(mark.Source) {
			continue
		}
		at := name{o.Topic, o.LeaderEpoch, o.Offset}
		have := s.table[at]
		if !mark.Doubtful(o.Source) || !slices.ContainsFunc(have, func(r row) bool { return r.epoch >= o.Epoch }) {
			s.table[at] = append(slices.DeleteFunc(have, func(r row) bool { return r.epoch < o.Epoch }), row{o.Epoch, o.eventID})
		}
		mark.Source = o.Source
		s.state.Marks = s.state.Marks.With(mark)
	}
	s.w.note("the sink is at %d, marks %v", s.offset, s.state.String())
}
