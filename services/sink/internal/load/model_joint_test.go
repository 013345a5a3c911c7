package load

import (
	"errors"
	"fmt"
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
	"a fence kept a joint block out", "that a joint batch was fenced was forgotten", "a row was refused", "a view refused a block that the table has", "rows of somebody erased were deleted",
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
		if n >= 500 && reached[state] == 0 && !t.Failed() {
			t.Errorf("never reached in %d runs: %s", n, state)
		}
	}
	t.Logf("of %d runs came to: %v", n, reached)
}

// Without any one of its safeguards the protocol of joint batches must be found broken.
func TestSimulateFindsABrokenJointProtocol(t *testing.T) {
	for _, broken := range []fault{
		noKeepingOut, otherFence, oneMonthFenced, believedFence, noJointIntents, someIntents, unnamedJoint, unmarkedFence, forgottenFence,
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

// manyJoint runs n worlds, until failed returns true for one that failed, and counts those that came to a state, and their rows.
func manyJoint(n uint64, broken fault, failed func(seed uint64, err error) bool, t *testing.T) map[string]int {
	var seed atomic.Uint64
	var over atomic.Bool
	var mu sync.Mutex
	reached := make(map[string]int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for s := seed.Add(1) - 1; s < n && !over.Load(); s = seed.Add(1) - 1 {
				w, err := jointBubble(t, rand.New(rand.NewPCG(s, 2)).IntN, broken)
				if err != nil && failed(s, err) {
					over.Store(true)
				}
				mu.Lock()
				for state := range w.reached {
					reached[state]++
				}
				reached["rows"] += len(w.table.rows)
				reached["rows of which a sink was unsure"] += w.unsureRows
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return reached
}

// jointBubble runs a world in a time of its own.
func jointBubble(t *testing.T, choose func(n int) int, broken fault) (w *jointWorld, err error) {
	synctest.Test(t, func(*testing.T) {
		w = newJointWorld(choose, broken)
		defer w.close()
		if err = w.run(); err != nil {
			err = fmt.Errorf("%w:\n%s", err, strings.Join(w.trace, "\n"))
		}
	})
	return w, err
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
		for range w.table.remembers {
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
		if !w.isBad(name.Offset) {
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
	return w.auditView()
}

// auditView compares the table with its view, but for the batches of which a sink said that the view may lack rows, or have some twice.
func (w *jointWorld) auditView() error {
	if len(w.sentAgain) > 0 {
		return fmt.Errorf("%v was sent to the view though it was stored", w.sentAgain[0])
	}
	unsure := w.unsure()
	if len(unsure) > 0 {
		w.reach("a sink was unsure of the view")
	}
	seen := make(map[rows.Position]bool)
	for _, place := range w.table.view {
		if seen[place] && !unsure[place] {
			return fmt.Errorf("%v was pushed to the view more than once", place)
		} else if seen[place] {
			w.reach("the view has a row twice")
		}
		seen[place] = true
	}
	for _, r := range w.table.rows {
		if unsure[r.place] {
			w.unsureRows++
		}
		if !seen[r.place] && !unsure[r.place] {
			return fmt.Errorf("%v is in the table and not in the view, and nobody said so", r.place)
		} else if !seen[r.place] {
			w.reach("the view lacks a row")
		}
	}
	return nil
}

// unsure are the rows of the batches that sinks said it of.
func (w *jointWorld) unsure() map[rows.Position]bool {
	out := make(map[rows.Position]bool)
	for _, s := range w.seats {
		for _, said := range s.said.All() {
			fields := said.ContextMap()
			from, of := fields["from"].(int64)
			if !of || !strings.Contains(said.Message, "views may lack") {
				continue
			}
			p := fields["partition"].(int32)
			for offset := from; offset < fields["to"].(int64); offset++ {
				if name, ok := nameOf(w.logs[p][offset].Value); ok {
					name.Partition = p
					out[name] = true
				}
			}
		}
	}
	return out
}
