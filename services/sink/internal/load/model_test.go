package load

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// seeds is how many runs the simulation makes: SEEDS, or a thousand.
func seeds(t *testing.T) uint64 {
	text := os.Getenv("SEEDS")
	if text == "" {
		return 1000
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("SEEDS: %v", err)
	}
	return n
}

// mostReached are the states that a long simulation must come to: one that never does shows nothing of them.
var mostReached = []string{
	"a row was refused", "the table refused every row", "a view refused a block that the table has", "a month was dropped",
	"rows of an earlier epoch were replaced", "the log was made anew", "the log was made anew with an intent open",
	"the group's offset went with the topic", "the log was cut off below the offset", "the log was cut off inside an intent",
	"the raw log was made anew", "the raw log was cut off", "the offset was set beyond the end", "the offset was set forward",
	"the offset was set back", "the group was forgotten with rows stored", "a sink stopped for an operator", "rows of somebody erased were deleted",
	"somebody erased lay before the sink",
}

// Whatever fails, in whatever order, and whatever log, group and table become: each event that the logs hold is in the table once or was
// given up, nothing else is there, and nothing sound was given up.
func TestSimulateEveryEventIsStoredOnce(t *testing.T) {
	n := seeds(t)
	var seed atomic.Uint64
	var mu sync.Mutex
	reached := make(map[string]bool)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for s := seed.Add(1) - 1; s < n && !t.Failed(); s = seed.Add(1) - 1 {
				came, err := bubble(t, rand.New(rand.NewPCG(s, 1)).IntN, sound)
				if err != nil {
					t.Errorf("seed %d: %v", s, err)
				}
				mu.Lock()
				maps.Copy(reached, came)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	for _, state := range mostReached {
		if n >= 500 && !reached[state] && !t.Failed() {
			t.Errorf("never reached in %d runs: %s", n, state)
		}
	}
}

// The same, with choices that rapid makes and shrinks.
func TestSimulateWithChoicesThatShrink(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") }
		if _, err := bubble(t, choose, sound); err != nil {
			rt.Fatal(err)
		}
	})
}

// Seeds that once found a fault, and what it was. They mean the same only as long as the world asks for its choices in the same order: a
// fault that is worth more than a seed has a test of its own.
func TestSimulateSeedsThatFoundFaults(t *testing.T) {
	for seed, what := range map[uint64]string{
		3470: "an offset that a tool has set outlives two logs",
		8552: "a block in doubt reached the table and not the view, and nobody said so",
	} {
		if _, err := bubble(t, rand.New(rand.NewPCG(seed, 1)).IntN, sound); err != nil {
			t.Errorf("seed %d, %s: %v", seed, what, err)
		}
	}
}

// A simulation that cannot fail shows nothing: without any one of its safeguards the protocol must be found broken.
func TestSimulateFindsABrokenProtocol(t *testing.T) {
	for _, broken := range []fault{
		noIntent, commitsEnd, anyEnd, noFence, blindReadBack, forgottenToken, noRepeatCheck, noIncarnation, noLeaderEpochs, blindMemory, hasty,
		staleLook, staleConfirm, eagerHealing, halvesUnmarked, viewsAreRows, tableIsRows, deaf, hastyErasure, blindErasure,
	} {
		t.Run(string(broken), func(t *testing.T) {
			const tries = 60_000
			var seed atomic.Uint64
			var found atomic.Bool
			var workers sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				workers.Go(func() {
					for s := seed.Add(1) - 1; s < tries && !found.Load(); s = seed.Add(1) - 1 {
						if _, err := bubble(t, rand.New(rand.NewPCG(s, 1)).IntN, broken); err != nil && !found.Swap(true) {
							first, _, _ := strings.Cut(err.Error(), "\n")
							t.Logf("found with seed %d: %s", s, first)
						}
					}
				})
			}
			workers.Wait()
			if !found.Load() {
				t.Errorf("not found in %d tries", tries)
			}
		})
	}
}

// bubble runs a world in a time of its own, and returns which states it reached. What choose panics with (rapid's way to end a try) comes
// out of it.
func bubble(t *testing.T, choose func(n int) int, broken fault) (reached map[string]bool, err error) {
	var problem any
	synctest.Test(t, func(*testing.T) {
		w := &world{choose: choose, broken: broken, slow: 2, dead: make(map[rows.Position]bool), refused: make(map[rows.Position]bool), skipped: make(map[rows.Position]bool), reached: make(map[string]bool)}
		w.table.remembers = 8
		w.enricher.raw = w.enricher.newID()
		w.log = &simLog{id: w.enricher.newID()}
		w.committed.offset = -1
		defer func() {
			problem = recover()
			w.close()
		}()
		if err = w.run(); err != nil {
			err = fmt.Errorf("%w:\n%s", err, strings.Join(w.trace, "\n"))
		}
		reached = w.reached
	})
	if problem != nil {
		panic(problem)
	}
	return reached, err
}

// run has faults for a while, then calm, and then looks.
func (w *world) run() error {
	w.plain = w.choose(3) == 0
	w.enrich(8 + w.choose(24))
	w.assign()
	for range 80 + w.choose(200) {
		w.happen()
	}
	w.calm = true
	w.table.viewFails, w.table.refuses = 0, false
	w.assign()
	for range 20_000 {
		w.step()
		w.goOnErasing()
		if w.settled() {
			break
		}
		if m := w.owner(); m.over() {
			return fmt.Errorf("a sink ended though all is well: %w", m.err)
		}
	}
	if !w.settled() {
		return fmt.Errorf("nothing moves: %d of %d committed, metadata %s", w.committed.offset, len(w.log.records), w.committed.metadata)
	}
	// The stopped ones go on to the end, too.
	for _, m := range w.sinks {
		m.stop()
	}
	for _, m := range w.sinks {
		for !m.over() {
			w.step()
		}
	}
	return w.audit()
}

// happen lets one thing happen: mostly that a call is answered.
func (w *world) happen() {
	synctest.Wait()
	if m := w.owner(); m.over() { // somebody sees to it, and starts another
		if errors.Is(m.err, errOperator) {
			w.reach("a sink stopped for an operator")
			w.note("sink %d stopped: %v", m.generation, m.err)
			w.table.viewFails, w.table.refuses, w.table.settled = 0, false, true
		}
		w.assign()
	}
	switch c := w.choose(150); {
	case w.plain && c >= 15 && c <= 20 || w.plain && (c == 25 || c == 26 || c == 27 || c == 36 || c == 37):
		w.step()
	default:
		w.happens(c)
	}
	w.goOnErasing()
}

func (w *world) happens(c int) {
	switch c {
	case 0, 1, 2: // the owner is killed; what it had sent may still arrive
		w.owner().kill()
		w.assign()
	case 3, 4, 5: // its partition moves, and it may finish
		w.owner().stop()
		w.step()
		w.assign()
	case 6, 7, 8: // it is stopped past its session, and will go on
		w.assign()
	case 9, 10, 11:
		w.stranger()
	case 12, 13, 14:
		for range w.table.remembers {
			w.stranger()
		}
	case 15, 16:
		w.enrichedAnew()
	case 17, 18:
		w.truncate()
	case 19:
		w.rawAnew()
	case 20:
		w.rawTruncate()
	case 21:
		w.setOffset()
	case 22:
		w.forgetGroup()
	case 23, 24:
		w.table.viewFails = []int32{0, 6, 395, 252}[w.choose(4)]
	case 25, 26:
		// It is put on once: what comes and goes while a batch is halved looks like rows that differ.
		w.table.refuses = !w.table.settled && !w.table.refuses
		w.table.settled = w.table.settled || !w.table.refuses
	case 27:
		w.drop(2020 + w.choose(months))
	case 28, 29, 30, 31, 32:
		w.enrich(1 + w.choose(4))
	case 33, 34, 35:
		w.poll()
	case 36, 37:
		w.erase()
	default:
		w.step()
	}
}

// settled tells whether everything is acknowledged.
func (w *world) settled() bool {
	if w.committed.offset != int64(len(w.log.records)) || !w.erasures.done() {
		return false
	}
	if w.committed.metadata == "" && w.owner().verified == w.log.leader {
		return true // a tool set the very end: there is nothing to read, and nothing to commit
	}
	state, err := checkpoint.ParseSink(w.committed.metadata, w.committed.offset)
	return err == nil && state.Next == 0 && state.Log == w.log.id && w.log.endOf(state.LeaderEpoch) >= w.committed.offset
}

// close lets every sink end.
func (w *world) close() {
	w.calm, w.choose = true, func(int) int { return 0 }
	for _, m := range w.sinks {
		m.kill()
	}
	for _, m := range w.sinks {
		for !m.over() {
			w.step()
		}
	}
}

// audit compares the log with the table.
func (w *world) audit() error {
	want := make(map[rows.Position]uint32) // epochs of the records on the log that there is, by name
	refused := make(map[rows.Position]bool)
	seen := make(map[uuid.UUID]checkpoint.Source)
	for _, rec := range w.log.records {
		at := rows.Position{TopicID: w.log.id, LeaderEpoch: rec.LeaderEpoch, Offset: rec.Offset}
		var e event.Enriched
		if err := e.UnmarshalVT(rec.Value); err != nil {
			if !w.dead[at] && !w.skipped[at] {
				return fmt.Errorf("offset %d cannot be read and was not given up", rec.Offset)
			}
			continue
		}
		source := checkpoint.Source{Topic: uuid.UUID(e.RawTopicId), Epoch: e.Epoch, LeaderEpoch: e.RawLeaderEpoch, Offset: e.RawOffset}
		if before, ok := seen[source.Topic]; ok && !source.After(before) {
			continue
		}
		seen[source.Topic] = source
		name := rows.Position{TopicID: source.Topic, LeaderEpoch: source.LeaderEpoch, Offset: source.Offset}
		if string(e.Props) == badProps {
			refused[name] = true
			continue
		}
		want[name] = max(want[name], e.Epoch)
	}
	for name := range refused {
		if !w.refused[name] && !w.missed(name) {
			return fmt.Errorf("%v is refused and was not given up", name)
		}
	}
	for name := range w.refused {
		if name.Offset%9 != 5 {
			return fmt.Errorf("%v was given up, and nothing is wrong with it", name)
		}
	}
	return w.compare(want)
}

// missed tells whether the table may lack a raw record's row.
func (w *world) missed(name rows.Position) bool {
	return w.skipped[name] || w.erasures.mean(w.erasures.sender(name))
}

// compare finds doubles, losses and alterations among the rows, and doubles among the view's.
func (w *world) compare(want map[rows.Position]uint32) error {
	have := make(map[rows.Position]int)
	for _, r := range w.table.rows {
		name := r.place.Record()
		if have[name]++; have[name] > 1 {
			return fmt.Errorf("%v is in the table more than once", name)
		}
		if w.erasures.mean(r.of) {
			return fmt.Errorf("%v is of %s, who was erased, and is in the table", name, r.of.user)
		}
		if event := fmt.Sprint("e", name.Offset, " of ", r.place.Epoch); event != r.event {
			return fmt.Errorf("%v is in the table as %q, want %q", name, r.event, event)
		}
		// A later epoch may have been stored before the log lost it.
		if epoch := want[name]; r.place.Epoch < epoch && !w.skipped[name] {
			return fmt.Errorf("%v is in the table as epoch %d made it, not as %d did", name, r.place.Epoch, epoch)
		}
	}
	for name, epoch := range want {
		if have[name] != 1 && !w.missed(name) {
			return fmt.Errorf("%v, of epoch %d, is not in the table", name, epoch)
		}
	}
	// Whatever the enricher has read of the raw log that there is must be somewhere: what the enriched log lost was written again.
	e := &w.enricher
	for offset := range e.next {
		name := rows.Position{TopicID: e.raw, LeaderEpoch: e.leaderOf(offset), Offset: offset}
		if have[name] == 0 && offset%9 != 5 && offset%11 != 10 && !w.missed(name) {
			return fmt.Errorf("raw offset %d was enriched, and is not in the table", offset)
		}
	}
	if w.reached["rows of an earlier epoch were replaced"] {
		return nil // views are not corrected by that, and what was deleted may be inserted once more
	}
	seen := make(map[rows.Position]bool)
	for _, place := range w.table.view {
		if seen[place] && !w.skipped[place.Record()] {
			return fmt.Errorf("%v was pushed to the view more than once", place)
		}
		seen[place] = true
	}
	for _, r := range w.table.rows {
		if !seen[r.place] && !w.excused && !w.told.Load() && !w.skipped[r.place.Record()] {
			return fmt.Errorf("%v is in the table and not in the view, and nobody said so", r.place)
		}
	}
	return nil
}
