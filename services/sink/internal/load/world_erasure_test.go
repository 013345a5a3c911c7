package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

const (
	simAccount = "a"
	simUsers   = 3
)

// simSecret is the region's.
var simSecret = func() erasure.Keys {
	keys, err := erasure.Config{Secret: "the secret of the region of the simulation"}.Keys()
	if err != nil {
		panic(err)
	}
	return keys
}()

// A person is whom a raw record is of, and when it was received, Unix milliseconds.
type person struct {
	user     string
	received int64
}

// simErasures are the erasures' log, and how far each erasure is. Those who listen read the log beside the world.
type simErasures struct {
	mu       sync.Mutex
	records  []event.Record
	asked    []*simErasure
	received map[rows.Position]int64 // when each raw record was, by name
}

// A simErasure is what waymarkctl erase does: a tombstone, the lease, the inserts under way, the deletion.
type simErasure struct {
	of      person // up to when it was received
	began   time.Time
	settled time.Time // when the lease had passed
	over    bool
}

// sender is whom a raw record is of. An event is received before it is first enriched.
func (s *simErasures) sender(name rows.Position) person {
	if s.received == nil {
		s.received = make(map[rows.Position]int64)
	}
	if _, known := s.received[name]; !known {
		s.received[name] = time.Now().UnixMilli()
	}
	return person{fmt.Sprint("u", name.Offset%simUsers), s.received[name]}
}

// mean tells whether somebody's event is to be gone.
func (s *simErasures) mean(of person) bool {
	return slices.ContainsFunc(s.asked, func(e *simErasure) bool { return e.of.user == of.user && of.received <= e.of.received })
}

func (s *simErasures) done() bool {
	return !slices.ContainsFunc(s.asked, func(e *simErasure) bool { return !e.over })
}

// erase buries somebody.
func (w *world) erase() {
	user := fmt.Sprint("u", w.choose(simUsers))
	now := time.Now()
	t := erasure.Tombstone{
		Account: simAccount, Kind: erasure.User, Digest: simSecret[0].Digest(simAccount, erasure.User, user), Key: simSecret[0].Fingerprint,
		Mode: erasure.Erase, ReceivedUntil: now.UnixMilli(), MadeAt: now.UnixMilli(),
	}
	w.erasures.mu.Lock()
	rec := t.Record()
	rec.Offset = int64(len(w.erasures.records))
	w.erasures.records = append(w.erasures.records, rec)
	w.erasures.mu.Unlock()
	w.erasures.asked = append(w.erasures.asked, &simErasure{of: person{user, now.UnixMilli()}, began: now})
	for offset := max(w.committed.offset, 0); offset < int64(len(w.log.records)); offset++ {
		if name, ok := nameOf(w.log.records[offset].Value); ok && w.erasures.mean(w.erasures.sender(name)) {
			w.reach("somebody erased lay before the sink")
		}
	}
	w.excused = true // a view has what it was given, and may lack a block whose batch was changed
	w.note("%s is erased", user)
}

// goOnErasing takes each erasure's next step, once it may.
func (w *world) goOnErasing() {
	for _, e := range w.erasures.asked {
		if e.over {
			continue
		}
		if e.settled.IsZero() && (time.Since(e.began) >= erasure.Lease || w.broken == hastyErasure) {
			e.settled = time.Now()
		}
		if e.settled.IsZero() || w.broken != blindErasure && w.insertsSince(e.settled) {
			continue
		}
		before := len(w.table.rows)
		w.table.rows = slices.DeleteFunc(w.table.rows, func(r row) bool { return r.of.user == e.of.user && r.of.received <= e.of.received })
		if e.over = true; len(w.table.rows) < before {
			w.reach("rows of somebody erased were deleted")
		}
		w.note("%s is gone: %d rows were deleted", e.of.user, before-len(w.table.rows))
	}
}

// insertsSince tells whether an insert is under way that began before a moment.
func (w *world) insertsSince(moment time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.pending, func(c *call) bool { return c.what == "insert" && !c.at.After(moment) })
}

// listens gives a member its view of the erasures, which ends with it. One that hears all later than the lease holds may store nothing.
func (m *member) listens(ctx context.Context) *erasure.View {
	late := []time.Duration{0, 100 * time.Millisecond, 3 * time.Second, 9 * time.Second, 15 * time.Second}[m.w.choose(5)]
	if m.w.calm {
		late = 0
	}
	view, err := erasure.NewView(&listener{&m.w.erasures, late}, "erasures", simSecret, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	go view.Run(ctx)
	return view
}

// A listener reads the erasures' log. What it is answered is as of when it asked, and comes late.
type listener struct {
	of   *simErasures
	late time.Duration
}

func (*listener) Log(context.Context, string, int32) (kafka.Log, error) {
	return kafka.Log{Topic: "erasures", ID: uuid.UUID{15: 1}}, nil
}

func (*listener) Bounds(context.Context, kafka.Log) (start, end int64, err error) { return 0, 0, nil }

func (*listener) Committed(context.Context, string, string) ([]kafka.Commitment, error) {
	return nil, nil
}

func (*listener) Verify(context.Context, kafka.Log, kafka.Position) error { return nil }

func (l *listener) Fetch(ctx context.Context, _ kafka.Log, offset int64, opts kafka.FetchOptions) (*kafka.Batch, error) {
	l.of.mu.Lock()
	end := int64(len(l.of.records))
	out := &kafka.Batch{Records: slices.Clone(l.of.records[offset:end]), Next: end, HighWatermark: end, LeaderEpoch: kafka.NoLeaderEpoch}
	l.of.mu.Unlock()
	wait := l.late
	if len(out.Records) == 0 {
		wait = max(wait, opts.MaxWait)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(wait):
		return out, nil
	}
}
