package spool

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// afterKill is what a process would read that begins now, the one before it killed.
func afterKill(t testing.TB, dir string) []int {
	t.Helper()
	left := filepath.Join(t.TempDir(), "left")
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	l := open(t, left, segmentBytes(300))
	defer shut(t, l)
	return drain(t, l)
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func segmentFiles(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	must(t, err)
	return names
}

// damages are what people and machines do to the folder of a running process. None of them takes away what was acknowledged: the open
// files still have it.
var damages = map[string]func(t testing.TB, dir string){
	"the folder is deleted":           func(t testing.TB, dir string) { must(t, os.RemoveAll(dir)) },
	"the folder above is deleted":     func(t testing.TB, dir string) { must(t, os.RemoveAll(filepath.Dir(dir))) },
	"the folder is renamed":           func(t testing.TB, dir string) { must(t, os.Rename(dir, dir+".old")) },
	"the folder above is renamed":     func(t testing.TB, dir string) { must(t, os.Rename(filepath.Dir(dir), filepath.Dir(dir)+".old")) },
	"an empty folder takes its place": func(t testing.TB, dir string) { must(t, os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o700)) },
	"a copy of it takes its place": func(t testing.TB, dir string) {
		must(t, os.CopyFS(dir+".copy", os.DirFS(dir)), os.Rename(dir, dir+".old"), os.Rename(dir+".copy", dir))
	},
	"everything in it is deleted": func(t testing.TB, dir string) {
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		must(t, err)
		for _, name := range names {
			must(t, os.Remove(name))
		}
	},
	"its oldest segment is deleted": func(t testing.TB, dir string) { must(t, os.Remove(segmentFiles(t, dir)[0])) },
	"a segment amid it is deleted":  func(t testing.TB, dir string) { must(t, os.Remove(segmentFiles(t, dir)[1])) },
	"its last segment is deleted":   func(t testing.TB, dir string) { must(t, os.Remove(lastSegment(t, dir))) },
	"a segment is renamed":          func(t testing.TB, dir string) { must(t, os.Rename(lastSegment(t, dir), filepath.Join(dir, "kept"))) },
	"another file takes one's place": func(t testing.TB, dir string) {
		must(t, os.WriteFile(filepath.Join(dir, "x"), []byte("x"), 0o600), os.Rename(filepath.Join(dir, "x"), lastSegment(t, dir)))
	},
	"a copy takes a segment's place": copyOver,
	"the lock is deleted":            func(t testing.TB, dir string) { must(t, os.Remove(filepath.Join(dir, "lock"))) },
	"the cursor is deleted":          func(t testing.TB, dir string) { must(t, os.Remove(filepath.Join(dir, cursorName))) },
	"the cursor and lock are deleted": func(t testing.TB, dir string) {
		must(t, os.Remove(filepath.Join(dir, cursorName)), os.Remove(filepath.Join(dir, "lock")))
	},
}

// copyOver is what an editor or a restore of one file does.
func copyOver(t testing.TB, dir string) {
	name := lastSegment(t, dir)
	data, err := os.ReadFile(name)
	must(t, err, os.WriteFile(name+"~", data, 0o600), os.Rename(name+"~", name))
}

// damaged is a log of 18 records in several segments, the first segment drained, whose folder was damaged. left are the records that
// were not drained.
func damaged(t testing.TB, damage func(testing.TB, string)) (l *Log, dir string, left []int) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "var", "us")
	l = open(t, dir, segmentBytes(300))
	add(t, l, upTo(18)...) // the last segment is not full
	chunk, err := l.Next()
	must(t, err)
	l.Done(chunk)
	l.Note()
	left = upTo(18)[len(chunk.Records):]
	if len(segmentFiles(t, dir)) < 3 || len(left) < 10 {
		t.Fatalf("%d segments, %d records: too few to damage", len(segmentFiles(t, dir)), len(left))
	}
	damage(t, dir)
	return l, dir, left
}

func TestWhatIsAcknowledgedSurvivesWhateverHappensToTheFolder(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			l, dir, left := damaged(t, damage)
			defer shut(t, l)
			must(t, l.Keep())
			same(t, among(afterKill(t, dir), left), left)
			same(t, among(drain(t, l), left), left)
			add(t, l, 20)
			same(t, afterKill(t, dir), []int{20})
		})
		t.Run(name+", and one more is taken", func(t *testing.T) {
			l, dir, left := damaged(t, damage)
			defer shut(t, l)
			add(t, l, 20)
			// A restart finds the last one in any case; those before it at the latest when Kafka was tried again.
			if got := afterKill(t, dir); !slices.Contains(got, 20) {
				t.Errorf("acknowledged just now, and not among %v", got)
			}
			must(t, l.Keep())
			want := append(slices.Clone(left), 20)
			same(t, among(afterKill(t, dir), want), want)
			if second, err := take(dir); err == nil {
				second.file.Close()
				t.Error("another process can have the folder too")
			}
			same(t, among(drain(t, l), want), want)
			if l.bytes != 0 || l.events != 0 || !l.Empty() {
				t.Errorf("drained, and %d bytes, %d events are left", l.bytes, l.events)
			}
		})
	}
}

// among leaves each wanted number at its first place: after some damages what was drained long ago is sent again, under the same ids.
func among(numbers, want []int) (out []int) {
	for _, n := range numbers {
		if slices.Contains(want, n) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func TestWhatIsPutBackIsCounted(t *testing.T) {
	l, _, left := damaged(t, damages["the folder is deleted"])
	defer shut(t, l)
	must(t, l.Keep(), l.Keep())
	if got := testutil.ToFloat64(l.metrics.restored); got != float64(len(left)) {
		t.Errorf("%v events are counted as written anew, want %d", got, len(left))
	}
}

// Somebody empties the folder by cutting its files (> file), as logrotate's copytruncate does: what was cut is gone, and is said to be. The
// rest is sent, and nothing is written behind the hole.
func TestWhatIsCutIsCountedAndNothingIsWrittenBehindIt(t *testing.T) {
	for _, which := range []int{1, -1} { // a full segment, and the one that is written to
		for _, whole := range []bool{true, false} { // to nothing; in the middle of an entry
			l, dir, left := damaged(t, func(t testing.TB, dir string) {
				names := segmentFiles(t, dir)
				name := names[(which+len(names))%len(names)]
				size := int64(0)
				if !whole {
					info, err := os.Stat(name)
					must(t, err)
					size = info.Size()/2 - 3
				}
				must(t, os.Truncate(name, size))
			})
			add(t, l, 20, 21)
			got := afterKill(t, dir)
			lost := len(left) + 2 - len(got)
			if lost < 1 || lost > 6 || !slices.Contains(got, 20) || !slices.Contains(got, 21) || !slices.IsSorted(got) {
				t.Errorf("segment %d: %v are left of %v", which, got, left)
			}
			same(t, drain(t, l), got)
			if counted := testutil.ToFloat64(l.metrics.lost); counted != float64(lost) {
				t.Errorf("segment %d: %v events are counted as lost, want %d", which, counted, lost)
			}
			shut(t, l)
		}
	}
}

// The spool's disk is mounted late, over the folder, and holds what an earlier process accepted.
func TestASpoolThatIsMountedOverTheFolderIsSentToo(t *testing.T) {
	for _, high := range []bool{false, true} {
		other := filepath.Join(t.TempDir(), "other")
		o := open(t, other, segmentBytes(300))
		add(t, o, 100, 101, 102, 103, 104, 105)
		chunk, err := o.Next()
		must(t, err)
		o.Done(chunk)
		if high { // its numbers lie above those of the running process
			for _, name := range segmentFiles(t, other) {
				must(t, os.Rename(name, strings.Replace(name, "00000000", "00000007", 1)))
			}
			must(t, cursor{7_00000001, 3}.save(other))
		}
		o.lock.file.Close() // killed
		for _, s := range o.segments {
			s.file.Close()
		}
		l, dir, left := damaged(t, func(t testing.TB, dir string) { must(t, os.Rename(dir, dir+".under"), os.Rename(other, dir)) })
		add(t, l, 20)
		must(t, l.Keep())
		theirs := upTo(106)[100+len(chunk.Records):]
		for name, got := range map[string][]int{"after a kill": afterKill(t, dir), "now": drain(t, l)} {
			for _, want := range append(append(slices.Clone(left), 20), theirs...) {
				if !slices.Contains(got, want) {
					t.Errorf("%s: %d is missing in %v", name, want, got)
				}
			}
		}
		shut(t, l)
	}
}

// Without the lock file a second edge can take the folder. The first acknowledges nothing from then on, and destroys nothing.
func TestWhoLostTheFolderToAnotherProcessAcknowledgesNothing(t *testing.T) {
	l, dir, left := damaged(t, damages["the lock is deleted"])
	defer shut(t, l)
	second := open(t, dir, segmentBytes(300))
	for range 2 {
		if err := l.Append([]event.Record{record(20)}); !errors.Is(err, intake.ErrDisk) {
			t.Fatalf("two processes write to one folder: %v", err)
		}
	}
	if l.Check() == nil || l.Keep() == nil {
		t.Error("ready though another process has the folder")
	}
	add(t, second, 30)
	same(t, drain(t, l), left) // sent twice, under the same ids
	got := afterKill(t, dir)
	if want := append(slices.Clone(left), 30); !slices.Equal(slices.DeleteFunc(got, func(n int) bool { return n == 20 }), want) {
		t.Errorf("the second process would find %v, want %v", got, want)
	}
	drain(t, second)
	shut(t, second)
	add(t, l, 21)
	same(t, afterKill(t, dir), []int{21})
}

// The folder cannot be made anew: its name is a file's. Nothing is acknowledged; what was is sent all the same, or put back once there is
// a place for it.
func TestWhereTheFolderCannotBeMadeAnewNothingIsAcknowledged(t *testing.T) {
	block := func(t testing.TB, dir string) { must(t, os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) }
	l, _, left := damaged(t, block)
	if err := l.Append([]event.Record{record(20)}); !errors.Is(err, intake.ErrDisk) || l.Check() == nil {
		t.Errorf("got %v, %v", err, l.Check())
	}
	same(t, drain(t, l), left)
	_ = l.Close() // nowhere to write the cursor

	l, dir, left := damaged(t, block)
	defer shut(t, l)
	for range 20 {
		if err := l.Append([]event.Record{record(20)}); !errors.Is(err, intake.ErrDisk) {
			t.Errorf("got %v", err)
		}
	}
	must(t, os.Remove(dir))
	add(t, l, 21)
	must(t, l.Keep())
	same(t, afterKill(t, dir), append(left, 21))
}

func openFiles(t testing.TB) int {
	t.Helper()
	names, err := os.ReadDir("/dev/fd")
	must(t, err)
	return len(names)
}

func TestPuttingFilesBackLeavesNoneOpen(t *testing.T) {
	l, dir, left := damaged(t, damages["the folder is deleted"])
	defer shut(t, l)
	must(t, l.Keep())
	before := openFiles(t)
	for range 30 {
		must(t, os.RemoveAll(dir), l.Keep())
	}
	if after := openFiles(t); after > before+2 {
		t.Errorf("%d files are open, %d were before", after, before)
	}
	same(t, afterKill(t, dir), left)
}

// A crash leaves the cursor's file full of zeroes, empty or cut, as promtail's users know it: everything is sent again, no less.
func TestABrokenCursorHidesNothing(t *testing.T) {
	for name, text := range map[string]string{"zeroes": strings.Repeat("\x00", 24), "empty": "", "cut": "2 17", "another sum": "900 0 00000000\n", "words": "two ten"} {
		l, dir, left := damaged(t, func(t testing.TB, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, cursorName), []byte(text), 0o600))
		})
		got := afterKill(t, dir)
		if !slices.Equal(got[len(got)-len(left):], left) {
			t.Errorf("%s: %v, want %v", name, got, left)
		}
		shut(t, l)
	}
}

// Appending, draining and damage at once: whatever was acknowledged was drained, or is found after a kill.
func TestNothingAcknowledgedIsLostWhileTheFolderIsDamagedAgainAndAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "us")
	l := open(t, dir, segmentBytes(2000))
	defer shut(t, l)
	const callers, each = 8, 60
	var mu sync.Mutex
	have := map[int]bool{}
	var acknowledged []int
	stop := make(chan struct{})
	var drainer, all sync.WaitGroup
	drainer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			chunk, err := l.Next()
			if err != nil || chunk == nil || i%3 > 0 {
				_ = l.Keep()
				continue
			}
			mu.Lock()
			for _, rec := range chunk.Records {
				have[numberOf(rec)] = true
			}
			mu.Unlock()
			l.Done(chunk)
		}
	})
	for c := range callers {
		all.Go(func() {
			for i := range each {
				if err := l.Append([]event.Record{record(c*each + i)}); err == nil {
					mu.Lock()
					acknowledged = append(acknowledged, c*each+i)
					mu.Unlock()
				}
			}
		})
	}
	all.Go(func() {
		for i := range 60 {
			switch names, _ := filepath.Glob(filepath.Join(dir, "*")); {
			case i%4 == 0:
				_ = os.RemoveAll(dir)
			case i%4 == 1:
				_ = os.Rename(dir, filepath.Join(t.TempDir(), "away"))
			case len(names) > 0:
				_ = os.Remove(names[i%len(names)])
			}
		}
	})
	all.Wait()
	close(stop)
	drainer.Wait()
	must(t, l.Keep())
	for _, n := range afterKill(t, dir) {
		have[n] = true
	}
	for _, n := range acknowledged {
		if !have[n] {
			t.Errorf("%d was acknowledged and is lost", n)
		}
	}
	if len(acknowledged) < callers*each/2 {
		t.Errorf("only %d of %d were taken", len(acknowledged), callers*each)
	}
}
