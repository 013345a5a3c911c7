package stream

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/waymark-events/waymark/pkg/checkpoint"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// seeds is how many worlds the simulation tries: SEEDS in the environment, or a thousand.
func seeds(t *testing.T) uint64 {
	t.Helper()
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

// mostReached are the states that a long simulation must come to: one that it never does come to is not shown to be fixed.
var mostReached = append([]string{
	"a late write", "a late write lands", "a fenced commit", "raw made anew, longer than the old offset", "raw made anew, shorter", "enriched made anew",
	"enriched truncated", "raw truncated", "raw and enriched made anew", "group forgotten", "set back", "set forward", "set beyond the end", "no dead topic",
	"a repetition left out", "trimmed unread", "a new leader while fetch", "a new leader while remember",
}, causes...)

// Whatever becomes of members, logs and offsets, each raw record is stored once, dead, or a repetition of one that is; or it was told that
// it may not be.
func TestSimulateEveryEventIsEnrichedOnceOrToldLost(t *testing.T) {
	base, n := newStream(t), seeds(t)
	var mu sync.Mutex
	reached := make(map[string]int)
	simulate(n, func(seed uint64) (goOn bool) {
		came, err := bubble(t, base, seeded(seed), sound)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for state, times := range came {
			reached[state] += times
		}
		return !t.Failed()
	})
	t.Log(reached)
	for _, state := range mostReached {
		if n >= 500 && reached[state] == 0 && !t.Failed() {
			t.Errorf("never reached in %d runs: %s", n, state)
		}
	}
}

// The same, with choices that rapid makes and shrinks.
func TestSimulateWithChoicesThatShrink(t *testing.T) {
	base := newStream(t)
	rapid.Check(t, func(rt *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") }
		if _, err := bubble(t, base, choose, sound); err != nil {
			rt.Fatal(err)
		}
	})
}

// Seeds that once found a fault, of the enricher or of the model, and what it was. A seed tells another story as soon as the enricher makes
// another call: what must last has a test of its own, too.
func TestSimulateSeedsThatFoundFaults(t *testing.T) {
	base := newStream(t)
	for seed, what := range map[uint64]string{
		2983: "what was written without an answer fills up a cut to where the log was known to reach: nobody can tell",
	} {
		if _, err := bubble(t, base, seeded(seed), sound); err != nil {
			t.Errorf("seed %d, %s: %v", seed, what, err)
		}
	}
}

// A simulation that cannot fail shows nothing: each safeguard, taken away, must be missed.
func TestSimulateFindsABrokenSafeguard(t *testing.T) {
	base := newStream(t)
	for _, broken := range sabotages {
		t.Run(string(broken), func(t *testing.T) {
			const tries = 20_000
			var found atomic.Bool
			simulate(tries, func(seed uint64) (goOn bool) {
				if _, err := bubble(t, base, seeded(seed), broken); err != nil && !found.Swap(true) {
					first, _, _ := strings.Cut(err.Error(), "\n")
					t.Logf("found with seed %d: %s", seed, first)
				}
				return !found.Load()
			})
			if !found.Load() {
				t.Errorf("not found in %d tries", tries)
			}
		})
	}
}

// simulate calls try with each seed below n, on all processors, until one says that there is no need to go on.
func simulate(n uint64, try func(seed uint64) (goOn bool)) {
	var next atomic.Uint64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed < n && try(seed); seed = next.Add(1) - 1 {
			}
		})
	}
	workers.Wait()
}

// seeded makes a seed's choices.
func seeded(seed uint64) func(n int) int { return rand.New(rand.NewPCG(seed, 7)).IntN }

// bubble runs a world in a time of its own, and returns how often it reached which states. What choose panics with (rapid's way to end a
// try) comes out of it.
func bubble(t *testing.T, base *Stream, choose func(n int) int, broken sabotage) (reached map[string]int, err error) {
	var problem any
	synctest.Test(t, func(*testing.T) {
		w := &world{
			base: base, choose: choose, broken: broken, dead: make(map[name]bool), unstored: make(map[name]bool), forgiven: make(map[name]bool),
			told: make(map[uuid.UUID][]report), reached: make(map[string]int), deadIsThere: true,
		}
		w.committed.offset = -1
		w.sink = sink{w: w, table: make(map[name][]row)}
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
	w.denied = w.choose(8) == 0
	w.newRaw()
	w.enriched = w.newTopic()
	w.send(4 + w.choose(16))
	w.assign()
	// Not everything happens to everybody: a world has its own troubles.
	troubles := w.choose(1 << len(operations))
	for range 40 + w.choose(160) {
		if w.choose(10) > 0 {
			w.step()
			continue
		}
		if i := w.choose(len(operations) + 6); i >= len(operations) {
			w.sink.store(int64(1 + w.choose(8)))
		} else if troubles&(1<<i) != 0 {
			operations[i](w)
		}
	}
	return w.end()
}

// owner is the member that has the partition.
func (w *world) owner() *member { return w.members[len(w.members)-1] }

// vacate ends every member, so that the group's offsets can be set.
func (w *world) vacate() {
	for _, m := range w.members {
		m.killed = true
		m.halt()
	}
	w.drainMembers()
}

func (w *world) drainMembers() {
	for _, m := range w.members {
		for !m.over() {
			if can := w.can(); len(can) > 0 {
				w.answer(can[0])
			} else {
				<-time.After(passes)
			}
		}
	}
}

// operations are what happens to a world, beside calls.
var operations = []func(*world){
	func(w *world) { w.send(1 + w.choose(8)) },
	func(w *world) { // the owner is killed
		w.note("kill %d", w.owner().number)
		w.owner().killed = true
		w.owner().halt()
		w.assign()
	},
	func(w *world) { // its partition moves, and it may finish
		w.note("stop %d", w.owner().number)
		w.owner().halt()
		w.assign()
	},
	func(w *world) { // it sleeps past its session, and will go on
		w.note("%d sleeps", w.owner().number)
		w.assign()
	},
	func(w *world) { w.land(w.members[w.choose(len(w.members))]) },
	func(w *world) { // raw deleted, made anew later
		if w.raw != nil {
			w.deleteRaw()
		} else {
			w.remakeRaw()
		}
	},
	func(w *world) { // raw made anew at once
		w.deleteRaw()
		w.remakeRaw()
	},
	func(w *world) {
		w.deleteEnriched()
		w.remakeEnriched()
	},
	func(w *world) {
		if w.enriched != nil {
			w.deleteEnriched()
		} else {
			w.remakeEnriched()
		}
	},
	func(w *world) {
		w.deleteRaw()
		w.deleteEnriched()
		w.remakeRaw()
		w.remakeEnriched()
		w.reach("raw and enriched made anew")
	},
	func(w *world) { // an unclean election
		// An offset that a tool set names no log: that this one is cut before it is claimed cannot be seen.
		if w.raw != nil && (w.committed.offset < 0 || w.committed.metadata != "") {
			end := w.raw.end() - int64(w.choose(min(10, int(w.raw.end()-w.raw.start)+1)))
			w.note("raw is truncated at %d of %d", end, w.raw.end())
			w.raw.elect(end)
			w.reach("raw truncated")
			w.send(w.choose(12))
		}
	},
	func(w *world) {
		if w.enriched != nil {
			// A former owner that writes the same place again hides the cut: what lay there cannot be told from it.
			for _, m := range w.members[:len(w.members)-1] {
				m.killed = true
				m.halt()
			}
			for _, m := range w.members {
				m.late = nil
			}
			end := w.enriched.end() - int64(w.choose(min(10, int(w.enriched.end()-w.enriched.start)+1)))
			w.loseEnriched(end)
			w.note("enriched is truncated at %d of %d", end, w.enriched.end())
			w.enriched.elect(end)
			w.sink.offset = min(w.sink.offset, end)
			w.mayRepeat = true
			w.reach("enriched truncated")
		}
	},
	func(w *world) { // retention
		if w.raw != nil && w.raw.end() > w.raw.start {
			to := w.raw.start + int64(w.choose(min(6, int(w.raw.end()-w.raw.start))+1))
			if at, _ := checkpoint.ParseEnricher(w.committed.metadata); w.raw.cut && (at.Log != w.raw.id || w.committed.offset <= to) {
				to = min(to, max(w.raw.start, w.raw.cutAt)) // a truncation whose place is gone, too, and no offset to show it
			}
			w.raw.start = to
			w.note("raw begins at %d", w.raw.start)
			if w.raw.start > w.committed.offset {
				w.raw.trimmed = true
				w.reach("trimmed unread")
			}
		}
	},
	func(w *world) {
		w.vacate()
		w.note("the group is forgotten")
		w.overwrite(-1)
		w.reach("group forgotten")
		w.assign()
	},
	func(w *world) { // kafka-consumer-groups --reset-offsets
		if w.raw == nil {
			return
		}
		w.vacate()
		to := int64(w.choose(int(w.raw.end()) + 6))
		w.note("the offset is set from %d to %d", w.committed.offset, to)
		switch {
		case to > w.raw.end():
			w.reach("set beyond the end")
		case to > w.committed.offset:
			w.reach("set forward")
		default:
			w.reach("set back")
		}
		w.overwrite(to)
		w.assign()
	},
	func(w *world) { w.deadIsThere = !w.deadIsThere; w.reach("no dead topic") },
	func(w *world) { // the sink's group is forgotten
		w.note("the sink's group is forgotten")
		w.sink.known, w.sink.state.Marks = false, nil
	},
	func(w *world) {
		if w.raw != nil {
			w.note("another leader of raw")
			w.raw.leader++
		}
	},
}

// deleteRaw takes the topic away, and the group's offsets with it, as Kafka does; not every broker does.
func (w *world) deleteRaw() {
	if w.raw == nil {
		return
	}
	w.note("raw %x is deleted", w.raw.id[15])
	w.raw.gone, w.raw = true, nil
	if w.choose(3) > 0 {
		w.overwrite(-1)
	}
}

// overwrite sets the group's offset. With what was beside it the only evidence goes that the enriched topic has lost something.
func (w *world) overwrite(offset int64) {
	w.committed.offset, w.committed.metadata, w.committed.honest = offset, "", ""
	if w.unnoticed {
		w.forgive()
	}
	if t := w.raw; t != nil && t.cut { // nor that the raw log was cut where its retention has come since
		for i := range t.ever {
			if rec := &t.ever[i]; rec.Offset >= t.cutAt && rec.Offset < t.start {
				w.forgiven[name{t.id, rec.LeaderEpoch, rec.Offset}] = true
			}
		}
	}
}

func (w *world) forgive() {
	for at := range w.unstored {
		w.forgiven[at] = true
	}
}

func (w *world) remakeRaw() {
	before := w.rawNow[len(w.rawNow)-1]
	w.newRaw()
	w.send(w.choose(24))
	w.note("raw is made anew: %x with %d records", w.raw.id[15], w.raw.end())
	if w.raw.end() > before.end() {
		w.reach("raw made anew, longer than the old offset")
	} else {
		w.reach("raw made anew, shorter")
	}
}

func (w *world) deleteEnriched() {
	if w.enriched == nil {
		return
	}
	w.note("enriched %x is deleted", w.enriched.id[15])
	w.loseEnriched(0)
	w.enriched = nil
	if w.choose(3) > 0 {
		w.sink.known = false
		w.sink.state.Marks = nil
	}
}

// loseEnriched notes what the enriched log loses from an offset on.
func (w *world) loseEnriched(from int64) {
	if w.sink.known && w.sink.state.Log == w.enriched.id {
		from = max(from, w.sink.offset)
	}
	for i := from; i < w.enriched.end(); i++ {
		if o, err := parseOrigin(w.enriched.records[i].Value); err == nil {
			w.unstored[name{o.Topic, o.LeaderEpoch, o.Offset}] = true
			w.unnoticed, w.lossEpoch = true, max(w.lossEpoch, o.Epoch)
			w.cutLog = w.enriched
		}
	}
	if at, _ := checkpoint.ParseEnricher(w.committed.honest); at.Log == uuid.Nil && w.unnoticed {
		w.forgive()
	}
}

func (w *world) remakeEnriched() {
	w.enriched = w.newTopic()
	w.mayRepeat = true
	w.note("enriched is made anew: %x", w.enriched.id[15])
	w.reach("enriched made anew")
}

// quiet is how often time passes with nothing to do before it is the end: enough for two looks beyond the raw log, and what is done about it.
const quiet = int(2*(lookEvery+lookLater)/passes) + 6

// end lets everybody finish, and looks. The partition stays where it is, or goes to somebody new.
func (w *world) end() error {
	w.note("calm")
	w.calm, w.deadIsThere = true, true
	if w.raw == nil {
		w.remakeRaw()
	}
	if w.enriched == nil {
		w.remakeEnriched()
	}
	owner := w.members[len(w.members)-1]
	staysOn := !owner.killed && !owner.over() && owner.generation == w.generation && w.choose(2) == 0
	for _, m := range w.members {
		w.land(m)
		if m != owner || !staysOn {
			m.halt()
		}
	}
	if !staysOn {
		w.assign()
	}
	for idle := 0; idle < quiet; {
		can := w.can()
		if len(can) > 0 {
			w.answer(can[w.choose(len(can))])
			continue
		}
		if w.done() {
			idle++
		}
		if len(w.trace) > 20_000 {
			break
		}
		w.sink.store(1000)
		<-time.After(passes)
	}
	for _, m := range w.members {
		if m.over() && m.err != nil && !m.killed && !errors.Is(m.err, kafka.ErrFenced) {
			return fmt.Errorf("member %d ends: %w", m.number, m.err)
		}
	}
	if !w.done() {
		return fmt.Errorf("nothing moves: %d of %d committed, metadata %s", w.committed.offset, w.raw.end(), w.committed.metadata)
	}
	w.sink.store(1000)
	return w.audit()
}

// done tells whether all that there is was committed.
func (w *world) done() bool { return max(w.committed.offset, w.raw.start) == w.raw.end() }

// close lets every member end.
func (w *world) close() {
	w.calm, w.choose = true, func(int) int { return 0 }
	w.vacate()
}

// audit holds what there ever was on raw logs against the table.
func (w *world) audit() error {
	passed := make(map[uuid.UUID]name)
	mayRepeat := w.mayRepeat
	for _, t := range w.rawNow {
		mayRepeat = mayRepeat || w.staleWrite && (t.gone || t.cut || t.trimmed)
	}
	accounted := make(map[uuid.UUID]bool) // events that are stored, or of which it was told or cannot be told that they may be lost
	for at, rows := range w.sink.table {
		if len(rows) != 1 {
			return fmt.Errorf("%v is stored %d times", at, len(rows))
		}
		accounted[rows[0].event] = true
		if before, again := passed[rows[0].event]; again && !mayRepeat {
			return fmt.Errorf("an event is stored as %v and as %v", before, at)
		}
		passed[rows[0].event] = at
	}
	type record struct {
		name
		event uuid.UUID
	}
	var open []record
	for _, t := range w.rawNow {
		for i := range t.ever {
			rec := &t.ever[i]
			var raw event.Raw
			if err := event.ParseRaw(rec, &raw); err != nil {
				return err
			}
			at := name{t.id, rec.LeaderEpoch, rec.Offset}
			switch {
			case w.sink.table[at] != nil, w.dead[at]:
			case w.belowMark, w.forgiven[at], w.isTold(t.id, rec.Offset), t.gone && w.isGone(t, at),
				rec.Offset >= t.end() || t.records[rec.Offset].LeaderEpoch != rec.LeaderEpoch: // the raw log itself lost it
				accounted[raw.EventID] = true
			default:
				open = append(open, record{at, raw.EventID})
			}
		}
	}
	for _, r := range open {
		if !accounted[r.event] {
			return fmt.Errorf("the record at %d of raw %x, leader epoch %d, is lost and nobody was told", r.offset, r.topic[15], r.leader)
		}
		w.reach("a repetition left out")
	}
	return nil
}

// isGone tells whether a record of a raw log that was deleted is lost without anybody's being able to tell: nothing that lasts named the log,
// or the record; or the enriched topic lost it, too; or the log was truncated, and deleted before anybody looked.
func (w *world) isGone(t *topic, at name) bool {
	return t.excused || !t.known || w.unstored[at] || at.leader > t.upTo
}

func (w *world) isTold(topic uuid.UUID, offset int64) bool {
	for _, r := range w.told[topic] {
		if offset >= r.from && offset < r.to {
			return true
		}
	}
	return false
}
