package load

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// mostJointReached are the states that a long simulation of joint batches must come to.
var mostJointReached = []string{
	"intents were committed together", "a fence was sent", "a joint block was sent again for its views", "a joint block landed late",
	"a fence kept a joint block out", "a row was refused", "a view refused a block that the table has", "rows of somebody erased were deleted",
}

// Whatever fails while partitions store together, and whoever gets them meanwhile: each event is in the table once, or was refused, and in the view
// once, unless a sink said that it may not be.
func TestSimulateJointBatchesStoreEveryEventOnce(t *testing.T) {
	n := seeds(t)
	reached := manyJoint(n, sound, func(seed uint64, err error) bool {
		t.Errorf("seed %d: %v", seed, err)
		return true
	}, t)
	for _, state := range mostJointReached {
		if n >= 500 && !reached[state] && !t.Failed() {
			t.Errorf("never reached in %d runs: %s", n, state)
		}
	}
}

// Without any one of its safeguards the protocol of joint batches must be found broken.
func TestSimulateFindsABrokenJointProtocol(t *testing.T) {
	for _, broken := range []fault{
		noKeepingOut, otherFence, oneMonthFenced, believedFence, noJointIntents, someIntents, unnamedJoint, unmarkedFence,
		noFence, blindReadBack, forgottenToken, staleConfirm, eagerHealing,
	} {
		t.Run(string(broken), func(t *testing.T) {
			const tries = 60_000
			var found atomic.Bool
			manyJoint(tries, broken, func(seed uint64, err error) bool {
				if !found.Swap(true) {
					first, _, _ := strings.Cut(err.Error(), "\n")
					t.Logf("found with seed %d: %s", seed, first)
				}
				return true
			}, t)
			if !found.Load() {
				t.Errorf("not found in %d tries", tries)
			}
		})
	}
}

// manyJoint runs n worlds, until failed returns true for one that failed, and returns what they came to.
func manyJoint(n uint64, broken fault, failed func(seed uint64, err error) bool, t *testing.T) map[string]bool {
	var seed atomic.Uint64
	var over atomic.Bool
	var mu sync.Mutex
	reached := make(map[string]bool)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for s := seed.Add(1) - 1; s < n && !over.Load(); s = seed.Add(1) - 1 {
				came, err := jointBubble(t, rand.New(rand.NewPCG(s, 2)).IntN, broken)
				if err != nil && failed(s, err) {
					over.Store(true)
				}
				mu.Lock()
				maps.Copy(reached, came)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return reached
}

// jointBubble runs a world in a time of its own.
func jointBubble(t *testing.T, choose func(n int) int, broken fault) (reached map[string]bool, err error) {
	synctest.Test(t, func(*testing.T) {
		w := newJointWorld(choose, broken)
		defer w.close()
		if err = w.run(); err != nil {
			err = fmt.Errorf("%w:\n%s", err, strings.Join(w.trace, "\n"))
		}
		reached = w.reached
	})
	return reached, err
}

// run has faults for a while, then calm, and then looks.
func (w *jointWorld) run() error {
	w.enrich()
	w.assign()
	for range 60 + w.choose(160) {
		w.happen()
	}
	w.calm = true
	w.table.viewFails = 0
	w.assign()
	for range 20_000 {
		w.step()
		w.goOnErasing()
		if w.settled() {
			break
		}
		for _, s := range w.seats {
			if s.generation == w.generation && s.over() {
				return fmt.Errorf("a sink ended though all is well: %w", s.err)
			}
		}
	}
	if !w.settled() {
		return fmt.Errorf("nothing moves: %+v", w.committed)
	}
	for _, s := range w.seats {
		s.stop()
	}
	w.end()
	return w.audit()
}

// end lets every sink end.
func (w *jointWorld) end() {
	for _, s := range w.seats {
		for !s.over() {
			w.step()
		}
	}
}

func (w *jointWorld) close() {
	w.calm, w.choose = true, func(int) int { return 0 }
	for _, s := range w.seats {
		s.kill()
	}
	w.end()
}

// happen lets one thing happen: mostly that a call is answered.
func (w *jointWorld) happen() {
	synctest.Wait()
	over := false
	for _, s := range w.seats {
		if s.generation == w.generation && s.over() {
			over = true
			if errors.Is(s.err, errOperator) {
				w.table.viewFails = 0
			}
		}
	}
	if over {
		w.leaveAll()
		w.assign()
	}
	c := w.choose(200)
	if w.joining() && w.choose(5) == 0 { // where it matters most
		c = w.choose(7)
	}
	switch c {
	case 0, 1: // everybody is killed; what they had sent may still arrive
		w.leaveAll()
		w.assign()
	case 2: // one is killed, and the others finish
		w.now()[0].kill()
		w.stopAll()
		w.assign()
	case 3, 4: // the partitions move, and all may finish
		w.stopAll()
		w.step()
		w.assign()
	case 5, 6: // they are stopped past their sessions, and will go on
		w.assign()
	case 7, 8:
		w.stranger()
	case 9:
		for range windowSize {
			w.stranger()
		}
	case 10:
		w.table.viewFails = []int32{0, 6, 395, 252}[w.choose(4)]
	case 11:
		if w.choose(3) == 0 {
			w.erase()
		}
	case 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31:
		w.enrich()
	default:
		w.step()
	}
	w.goOnErasing()
}

// joining tells whether a joint block or a fence is on its way.
func (w *jointWorld) joining() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.pending, func(c *call) bool {
		return c.from.generation == w.generation && c.what == "insert" && strings.Contains(c.about, "/joint/")
	})
}

// now are the sinks of the generation that there is.
func (w *jointWorld) now() (out []*seat) {
	for _, s := range w.seats {
		if s.generation == w.generation {
			out = append(out, s)
		}
	}
	return out
}

func (w *jointWorld) leaveAll() {
	for _, s := range w.now() {
		s.kill()
	}
}

func (w *jointWorld) stopAll() {
	for _, s := range w.now() {
		s.stop()
	}
}

// audit compares the logs with the table and its view.
func (w *jointWorld) audit() error {
	have := make(map[rows.Position]int)
	for _, r := range w.table.rows {
		name := r.place.Record()
		if have[name]++; have[name] > 1 {
			return fmt.Errorf("%v is in the table more than once", name)
		}
		if w.erasures.mean(r.of) {
			return fmt.Errorf("%v is of %s, who was erased, and is in the table", name, r.of.user)
		}
	}
	for name := range w.refused {
		if name.Offset%29 != 17 {
			return fmt.Errorf("%v was given up, and nothing is wrong with it", name)
		}
	}
	for p, log := range w.logs {
		for _, rec := range log {
			var e event.Enriched
			if err := e.UnmarshalVT(rec.Value); err != nil {
				return err
			}
			name := rows.Position{TopicID: w.raw, Partition: int32(p), Offset: e.RawOffset}
			if have[name] == 0 && string(e.Props) != badProps && !w.missed(name) {
				return fmt.Errorf("%v is not in the table", name)
			}
		}
	}
	seen := make(map[rows.Position]bool)
	for _, place := range w.table.view {
		if seen[place] && !w.muddled {
			return fmt.Errorf("%v was pushed to the view more than once", place)
		}
		seen[place] = true
	}
	for _, r := range w.table.rows {
		if !seen[r.place] && !w.excused && !w.told.Load() {
			return fmt.Errorf("%v is in the table and not in the view, and nobody said so", r.place)
		}
	}
	return nil
}
