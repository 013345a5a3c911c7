package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// Whatever fails, in whatever order, each event that the log holds is in the table once or was given up, and nothing else is there.
func TestModelEveryEventIsStoredOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") }
		if err := bubble(t, choose, sound); err != nil {
			rt.Fatal(err)
		}
	})
	// Many more, without rapid's bookkeeping.
	for seed := range uint64(1000) {
		if err := bubble(t, rand.New(rand.NewPCG(seed, 1)).IntN, sound); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// A model that cannot fail shows nothing: each fault of the protocol must be found.
func TestModelFindsABrokenProtocol(t *testing.T) {
	for _, broken := range []fault{noIntent, commitsEnd, anyEnd, noFence, blindReadBack, forgottenToken} {
		t.Run(string(broken), func(t *testing.T) {
			const tries = 2000
			for seed := range uint64(tries) {
				random := rand.New(rand.NewPCG(seed, 0))
				if err := bubble(t, random.IntN, broken); err != nil {
					first, _, _ := strings.Cut(err.Error(), "\n")
					t.Logf("found with seed %d: %s", seed, first)
					return
				}
			}
			t.Errorf("not found in %d tries", tries)
		})
	}
}

// bubble runs a world in a time of its own. What choose panics with (rapid's way to end a try) comes out of it.
func bubble(t *testing.T, choose func(n int) int, broken fault) (err error) {
	var problem any
	synctest.Test(t, func(*testing.T) {
		w := &world{choose: choose, broken: broken, dead: make(map[string]bool)}
		w.committed.offset = -1
		defer func() {
			problem = recover()
			w.close()
		}()
		if err = w.run(); err != nil {
			err = fmt.Errorf("%w:\n%s", err, strings.Join(w.trace, "\n"))
		}
	})
	if problem != nil {
		panic(problem)
	}
	return err
}

// run has faults for a while, then calm, and then looks.
func (w *world) run() error {
	w.produce(8 + w.choose(24))
	w.assign()
	for range 40 + w.choose(120) {
		owner := w.sinks[len(w.sinks)-1]
		switch w.choose(24) {
		case 0: // the owner is killed; what it had sent may still arrive
			owner.killed = true
			owner.stop()
			w.assign()
		case 1: // its partition moves, and it may finish
			owner.stop()
			w.step()
			w.assign()
		case 2: // it is stopped past its session, and will go on
			w.assign()
		case 3:
			w.stranger()
		case 4:
			for range windowSize {
				w.stranger()
			}
		default:
			w.step()
		}
	}
	w.calm = true
	w.assign()
	for range 20_000 {
		w.step()
		if w.settled() {
			break
		}
	}
	if !w.settled() {
		return fmt.Errorf("nothing moves: %d of %d committed, metadata %s", w.committed.offset, len(w.log), w.committed.metadata)
	}
	// The stopped ones go on to the end, too.
	for _, m := range w.sinks {
		m.stop()
	}
	for _, m := range w.sinks {
		for !m.over() {
			w.step()
		}
		if m.err != nil && !m.killed && errors.Is(m.err, errOperator) {
			return m.err
		}
	}
	return w.audit()
}

func (m *member) over() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// settled tells whether everything is acknowledged.
func (w *world) settled() bool {
	return w.committed.offset == int64(len(w.log)) && parse(w.committed.metadata, w.committed.offset).Next == 0
}

// close lets every sink end.
func (w *world) close() {
	w.calm, w.choose = true, func(int) int { return 0 }
	for _, m := range w.sinks {
		m.killed = true
		m.stop()
	}
	for _, m := range w.sinks {
		for !m.over() {
			w.step()
		}
	}
}

// audit compares the log with the table.
func (w *world) audit() error {
	want := make(map[rows.Place]string)
	refused := make(map[int64]int64)
	seen := checkpoint.Nowhere
	for _, rec := range w.log {
		var e event.Enriched
		if err := e.UnmarshalVT(rec.Value); err != nil {
			if !w.dead[fmt.Sprint(rec.Offset)] {
				return fmt.Errorf("offset %d cannot be read and was not given up", rec.Offset)
			}
			continue
		}
		source := checkpoint.Source{Epoch: e.Epoch, Offset: e.RawOffset}
		if !source.After(seen) {
			continue
		}
		seen = source
		if string(e.Props) == badProps {
			refused[e.RawOffset] = rec.Offset // of the last epoch; one before it may have been replaced first
			continue
		}
		for before := range e.Epoch { // replaced
			delete(want, rows.Place{Partition: e.RawPartition, Offset: e.RawOffset, Epoch: before})
		}
		want[rows.Place{Partition: e.RawPartition, Offset: e.RawOffset, Epoch: e.Epoch}] = e.Event
	}
	for _, offset := range refused {
		if !w.dead[fmt.Sprint(offset)] {
			return fmt.Errorf("offset %d is refused and was not given up", offset)
		}
	}
	have := make(map[rows.Place]int)
	for _, r := range w.table {
		have[r.place]++
		if name, ok := want[r.place]; !ok || name != r.event {
			return fmt.Errorf("%v is in the table as %q, want %q", r.place, r.event, name)
		}
	}
	for place := range want {
		if have[place] != 1 {
			return fmt.Errorf("%v is in the table %d times", place, have[place])
		}
	}
	return nil
}

func parse(metadata string, offset int64) checkpoint.Sink {
	state, err := checkpoint.ParseSink(metadata, offset)
	if err != nil {
		panic(err)
	}
	return state
}

func render(next int64, state checkpoint.Sink) string {
	state.Next = next
	return state.String()
}
