package load

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

const (
	jointPartitions = 3

	noKeepingOut   fault = "a joint batch is not fenced"
	otherFence     fault = "a fence comes under another token"
	oneMonthFenced fault = "one month is fenced, the others are not"
	believedFence  fault = "a fence that is acknowledged is believed to be stored"
	noJointIntents fault = "the intents of a joint batch are not committed before its insert"
	someIntents    fault = "of the intents of a joint batch one is committed"
	unnamedJoint   fault = "an intent does not name its joint batch"
	forgottenFence fault = "that a joint batch was fenced is forgotten with its intent"
	unmarkedFence  fault = "an intent does not say that it was fenced"
)

// joinedLog is the id of the enriched topic.
var joinedLog = uuid.UUID{15: 9}

// A jointWorld is several partitions of one topic, whose logs stay what they are, shared out anew in each generation among sinks that join their
// batches. The table, time and what becomes of calls are the world's.
type jointWorld struct {
	*world
	raw        uuid.UUID
	logs       [jointPartitions][]event.Record
	next       [jointPartitions]int64 // raw offsets
	committed  [jointPartitions]commitment
	seats      []*seat
	unsureRows int
	someBad    bool
	apart      bool // the first partition\'s events are of a month of their own
	slowly     bool // what an old generation has sent, and nobody sees, stays on its way for long
}

type commitment struct {
	offset   int64
	metadata string
}

// A seat is a sink in one generation, with some of the partitions.
type seat struct {
	*member
	jw *jointWorld
	// owned are its partitions; blind is what it gets when it reads others, nil for their records.
	owned []int32
	blind error
	said  *observer.ObservedLogs
	// believed are the places of rows that a fence was sent for, under a broken protocol.
	mu       sync.Mutex
	believed []rows.Position
}

func newJointWorld(choose func(int) int, broken fault) *jointWorld {
	w := &jointWorld{world: &world{
		choose: choose, broken: broken, hides: true, slow: 4, log: &simLog{},
		dead: make(map[rows.Position]bool), refused: make(map[rows.Position]bool), skipped: make(map[rows.Position]bool), reached: make(map[string]bool),
	}}
	w.table.viewOfAll, w.table.apart = choose(2) == 0, true
	w.table.remembers = 20 // more than what comes between a look and the last of what was sent after it
	w.slowly, w.someBad, w.apart, w.coin = choose(2) == 0, choose(4) == 0, choose(3) == 0, choose(1<<20)
	w.raw = w.enricher.newID()
	for p := range w.committed { // all of the raw logs is known, so that no batch must ask for it
		state := checkpoint.NewSink(joinedLog)
		state.Era, state.Marks = 1, checkpoint.Marks{checkpoint.NewMark(w.raw)}
		w.committed[p] = commitment{0, state.String()}
	}
	return w
}

// write appends events to a partition: some of a second month, few that ClickHouse takes nowhere, few that an enricher writes twice.
func (w *jointWorld) write(p int) {
	if w.next[p] > 0 && w.choose(40) == 0 {
		w.next[p]--
	}
	source := w.next[p]
	w.next[p]++
	id := uuid.UUID{15: byte(source), 14: byte(source >> 8), 13: byte(p)}
	made := event.Enriched{EventId: id[:], Event: fmt.Sprint("e", source), RawTopicId: w.raw[:], RawPartition: int32(p), RawOffset: source}
	of := w.erasures.sender(rows.Position{TopicID: w.raw, Partition: int32(p), Offset: source})
	made.AccountId, made.UserId, made.ReceivedAt = simAccount, of.user, of.received
	year := 2020
	if apart := w.apart && p == 0; apart || !w.apart && source%7 == 3 {
		year++
	}
	made.Time = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	if w.isBad(source) {
		made.Props = []byte(badProps)
	}
	value, err := made.MarshalVT()
	if err != nil {
		panic(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs[p] = append(w.logs[p], event.Record{Partition: int32(p), Offset: int64(len(w.logs[p])), Timestamp: 1, Value: value})
}

// isBad tells whether ClickHouse takes an event nowhere.
func (w *jointWorld) isBad(source int64) bool { return w.someBad && source%29 == 17 }

func (w *jointWorld) enrich() {
	for p := range w.logs {
		for range w.choose(3) {
			w.write(p)
		}
	}
}

func (s *seat) Log(_ context.Context, topic string, partition int32) (kafka.Log, error) {
	return kafka.Log{Topic: topic, ID: joinedLog, Partition: partition}, nil
}

func (s *seat) Bounds(_ context.Context, log kafka.Log) (start, end int64, err error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return 0, int64(len(s.jw.logs[log.Partition])), nil
}

func (s *seat) Committed(context.Context, string, string) (out []kafka.Commitment, err error) {
	s.wait("committed", "", func() {
		for p, c := range s.jw.committed {
			out = append(out, kafka.Commitment{Partition: int32(p), Offset: c.offset, Metadata: c.metadata})
		}
	})
	return out, nil
}

func (s *seat) Verify(context.Context, kafka.Log, kafka.Position) error { return nil }

// Fetch answers at once: what matters here are the calls that change or ask something.
func (s *seat) Fetch(ctx context.Context, log kafka.Log, offset int64, opts kafka.FetchOptions) (*kafka.Batch, error) {
	if s.blind != nil && !slices.Contains(s.owned, log.Partition) {
		return nil, s.blind
	}
	s.w.mu.Lock()
	records := s.jw.logs[log.Partition]
	end := int64(len(records))
	n := min(3, end-offset)
	out := &kafka.Batch{Next: offset + n, HighWatermark: end, Records: slices.Clone(records[offset : offset+n])}
	s.w.mu.Unlock()
	wait := 10 * time.Millisecond
	if n == 0 {
		wait = opts.MaxWait
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(wait):
		return out, nil
	}
}

// A post is where one partition commits.
type post struct {
	*seat
	partition int32
}

func (p post) Commit(ctx context.Context, offset int64, metadata string) error {
	return p.together(ctx, []kafka.Commit{{Claim: &kafka.Claim{Partition: p.partition}, Offset: offset, Metadata: metadata}})
}

// together records commits: all, or after an error some.
func (s *seat) together(ctx context.Context, commits []kafka.Commit) (err error) {
	what := ""
	for _, c := range commits {
		what += fmt.Sprint(c.Claim.Partition, ": ", c.Offset, " ", c.Metadata, "; ")
	}
	s.wait("commit", what, func() {
		switch {
		case s.killed:
			err = errLost
			return
		case s.generation != s.w.generation && s.w.broken != noFence:
			err = kafka.ErrFenced
			return
		case s.w.fails(12):
			err = errLost
			commits = commits[:s.w.choose(2)*len(commits)] // one append: all of them or none
		}
		for i, c := range commits {
			state := parse(c.Metadata, c.Offset)
			if s.w.broken == forgottenFence {
				state.Fenced = 0
			}
			switch {
			case state.Joint == nil:
			case s.w.broken == noJointIntents, s.w.broken == someIntents && i > 0 && len(commits) > 1:
				state.Next, state.Joint = 0, nil
			case s.w.broken == unnamedJoint:
				state.Joint = nil
			case s.w.broken == unmarkedFence:
				state.Halved = false
			}
			s.jw.committed[c.Claim.Partition] = commitment{c.Offset, state.String()}
		}
		if len(commits) > 1 {
			s.w.reach("intents were committed together")
		}
		if s.w.fails(12) {
			err = errLost
		}
	})
	if errors.Is(err, errLost) {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return err
}

func (s *seat) Insert(ctx context.Context, statement, token string, blocks ...[]clickhouse.Column) error {
	if !strings.Contains(token, "/joint/") || len(blocks) > 1 {
		return s.member.Insert(ctx, statement, token, blocks...)
	}
	s.w.mu.Lock()
	s.w.reach("a fence was sent")
	s.w.mu.Unlock()
	parts := make(map[int][]row)
	read(blocks[0], parts)
	switch s.w.broken {
	case noKeepingOut:
		return nil
	case otherFence:
		token += "!"
	case oneMonthFenced:
		if len(parts) > 1 {
			return s.member.Insert(ctx, statement, token, firstMonth(blocks[0]))
		}
	case believedFence:
		s.mu.Lock()
		for _, part := range parts {
			for _, r := range part {
				s.believed = append(s.believed, r.place)
			}
		}
		s.mu.Unlock()
	}
	return s.member.Insert(ctx, statement, token, blocks...)
}

// firstMonth returns the rows of the first row's month.
func firstMonth(columns []clickhouse.Column) []clickhouse.Column {
	var times []int64
	for _, c := range columns {
		if c.Name == "time" {
			times = c.Plain().([]int64)
		}
	}
	out := slices.Clone(columns)
	for i, c := range out {
		out[i].Values = onlyWhere(c.Plain(), func(row int) bool { return times[row] == times[0] })
	}
	return out
}

// onlyWhere returns the values of a column that the simulation reads.
func onlyWhere(values any, keep func(row int) bool) any {
	switch v := values.(type) {
	case []string:
		return where(v, keep)
	case []int64:
		return where(v, keep)
	case []int32:
		return where(v, keep)
	case []uint32:
		return where(v, keep)
	case []uuid.UUID:
		return where(v, keep)
	}
	return values
}

func where[T any](values []T, keep func(row int) bool) (out []T) {
	for i, v := range values {
		if keep(i) {
			out = append(out, v)
		}
	}
	return out
}

func (s *seat) Held(ctx context.Context, table string, span rows.Span) ([]rows.Held, error) {
	out, err := s.member.Held(ctx, table, span)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, place := range s.believed {
		out = append(out, rows.Held{Position: place, Source: place})
	}
	return out, err
}

// assign shares the partitions out among one or two new sinks. Unless the old ones have ended, a session passes before.
func (w *jointWorld) assign() {
	for _, s := range w.seats {
		if !s.over() {
			w.pass(session)
			break
		}
	}
	w.generation++
	shares := make([][]int32, 1+w.choose(2))
	for p := range int32(jointPartitions) {
		to := w.choose(len(shares))
		shares[to] = append(shares[to], p)
	}
	for _, share := range shares {
		if len(share) > 0 {
			w.sit(share)
		}
	}
}

// sit starts a sink with some partitions.
func (w *jointWorld) sit(share []int32) {
	ctx, stop := context.WithCancel(context.Background())
	said, errs := observer.New(zap.ErrorLevel)
	s := &seat{
		member: &member{w: w.world, generation: w.generation, stop: stop, ended: make(chan struct{})}, jw: w,
		owned: share, said: errs, blind: []error{nil, nil, nil, nil, kafka.ErrLogGone, errLost}[w.choose(6)],
	}
	metrics, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	l := newLoader(Settings{
		Region: "eu", Batch: Limits{Rows: 12, Bytes: 1 << 20, Age: time.Second}, Memory: 1 << 20, Inserts: 2, Drain: time.Second,
		Fetch: kafka.FetchOptions{MaxBytes: 1000, MaxWait: 100 * time.Millisecond},
		Group: kafka.GroupConfig{SessionTimeout: session, RebalanceTimeout: session}, DeadTopic: "dead", Joint: true,
	}, outside{log: s, producer: s, tables: s, commits: s.together}, telemetry.Telemetry{Log: zap.New(said)}, metrics)
	if w.broken == staleConfirm {
		l.claimHolds = time.Hour
	}
	ctx = WithTrace(ctx, func(name string) {
		switch name {
		case "readback", "joined", "confirming", "fenced":
			s.wait("step", name, func() {})
		case "healing", "forgotten":
			w.mu.Lock()
			w.reach(map[string]string{"healing": "a joint block was sent again for its views", "forgotten": "that a joint batch was fenced was forgotten"}[name])
			w.mu.Unlock()
		}
	})
	l.erasures = s.listens(ctx)
	w.seats = append(w.seats, s)
	w.note("generation %d: a sink with %v", w.generation, share)
	var loops sync.WaitGroup
	for _, p := range share {
		w.note("%d begins at %d %s", p, w.committed[p].offset, w.committed[p].metadata)
		claim := &kafka.Claim{Topic: "enriched", Partition: p, Generation: w.generation, Offset: w.committed[p].offset, Metadata: w.committed[p].metadata}
		loops.Go(func() {
			if err := l.consume(ctx, claim, post{s, p}, (*partition).store); err != nil && !errors.Is(err, kafka.ErrFenced) {
				s.mu.Lock()
				s.err = errors.Join(s.err, err)
				s.mu.Unlock()
				stop()
			}
		})
	}
	go func() {
		loops.Wait()
		close(s.ended)
	}()
}

// tosses is a coin that falls the same way for the same words, in whatever order loops that run beside each other toss it.
func (w *world) tosses(words string) bool {
	h := fnv.New64a()
	fmt.Fprint(h, w.coin, words)
	return h.Sum64()>>32&1 == 0
}

// stays tells whether a call is still on its way.
func (w *world) stays(c *call) bool { return w.lingers && c.hidden && c.from.generation < w.generation }

// step answers one call, mostly of a sink that has the partitions now, or lets time pass when nobody calls.
func (w *jointWorld) step() {
	synctest.Wait()
	w.lingers = w.slowly && w.choose(60) > 0
	w.mu.Lock()
	idle := !slices.ContainsFunc(w.pending, func(c *call) bool { return !w.stays(c) || w.table.blocks.Load()-c.issued >= w.slow })
	w.mu.Unlock()
	if idle {
		w.pass(250 * time.Millisecond)
		return
	}
	w.newest = w.choose(4) > 0
	w.world.step()
}

// settled tells whether everything is acknowledged.
func (w *jointWorld) settled() bool {
	for p, at := range w.committed {
		if len(w.logs[p]) == 0 {
			continue
		}
		state, err := checkpoint.ParseSink(at.metadata, at.offset)
		if err != nil || state.Next > 0 || at.offset != int64(len(w.logs[p])) {
			return false
		}
	}
	return w.erasures.done()
}
