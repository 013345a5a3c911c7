package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/waymark-events/waymark/pkg/event"
)

// lineOf is how many wait in a client's line.
func lineOf(t *turns, client netip.Addr) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.clients[client]; l != nil {
		return len(l.waiting)
	}
	return 0
}

// Whoever has as much under work as one client may, and more waiting, keeps a small request of another client waiting for nothing.
func TestASmallRequestPassesWhoeverAsksForMuch(t *testing.T) {
	h, s := newHandler(t, testLimits)
	for range h.heavy.most {
		if err := h.heavy.take(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	for range h.light.each {
		if err := h.light.take(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	from := func(client netip.Addr) func(*http.Request) {
		return func(r *http.Request) { r.RemoteAddr = client.String() + ":9" }
	}
	const many = 50
	var waiting sync.WaitGroup
	for n := range many {
		waiting.Go(func() {
			if w, _ := post(t, h, good(fmt.Sprint(n)), from(one)); w.Code != http.StatusOK {
				t.Errorf("after all: %d %s", w.Code, w.Body)
			}
		})
	}
	for deadline := time.Now().Add(20 * time.Second); lineOf(h.light, one) < many; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d wait", lineOf(h.light, one))
		}
	}
	if w, _ := post(t, h, good("small"), from(two)); w.Code != http.StatusOK || len(s.stored) != 1 {
		t.Errorf("%d %s, %d stored", w.Code, w.Body, len(s.stored))
	}
	for range h.light.each {
		h.light.give(one)
	}
	for range h.heavy.most {
		h.heavy.give(one)
	}
	waiting.Wait()
	if len(s.stored) != 1+many || h.light.used()+h.heavy.used() != 0 || len(h.light.clients) != 0 {
		t.Errorf("%d stored, %d and %d turns and %d lines are left", len(s.stored), h.light.used(), h.heavy.used(), len(h.light.clients))
	}
}

// A large body waits for those that are worked on, and a small one does not.
func TestALargeBodyWaitsForLargeOnes(t *testing.T) {
	limits := wide
	limits.BodyBytes = 2 * lightBytes
	h, s := newHandler(t, limits)
	for range h.heavy.most {
		if err := h.heavy.take(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	large := strings.Replace(good("large"), "}}", `}`+strings.Repeat(" ", lightBytes)+"}", 1)
	done := make(chan int)
	go func() {
		w, _ := post(t, h, "["+large+","+good("beside")+"]")
		done <- w.Code
	}()
	client := netip.MustParseAddr(strings.Split(httptest.NewRequest(http.MethodPost, "/", nil).RemoteAddr, ":")[0])
	for deadline := time.Now().Add(20 * time.Second); lineOf(h.heavy, client) == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the large body does not wait")
		}
	}
	if w, _ := post(t, h, good("small")); w.Code != http.StatusOK {
		t.Errorf("small: %d %s", w.Code, w.Body)
	}
	h.heavy.give(one)
	if code := <-done; code != http.StatusOK || len(s.stored) != 2 { // the large event itself is refused
		t.Errorf("large: %d, %d stored", code, len(s.stored))
	}
}

func TestLinesTakeTurns(t *testing.T) {
	turns := newTurns(1, 1)
	if turns.join(one) != nil {
		t.Fatal("the first waits")
	}
	waiting := map[*waiter]netip.Addr{}
	for _, client := range []netip.Addr{one, one, one, two, three, three} {
		waiting[turns.join(client)] = client
	}
	got, has := []netip.Addr{one}, one
	for len(waiting) > 0 {
		turns.give(has)
		for w, client := range waiting {
			if w.called {
				got, has = append(got, client), client
				delete(waiting, w)
			}
		}
	}
	turns.give(has)
	if want := []netip.Addr{one, two, three, one, three, one, one}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWhoWaitsTooLongOrIsGoneLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1, 1)
		if err := turns.take(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 2)
		go func() { results <- turns.take(ctx, one) }()
		synctest.Wait()
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("gone: %v", err)
		}
		if err := turns.take(ctx, two); !errors.Is(err, context.Canceled) {
			t.Errorf("gone before: %v", err)
		}
		began := time.Now()
		if err := turns.take(t.Context(), two); !errors.Is(err, errWork) || time.Since(began) != turnWait {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		go func() { results <- turns.take(t.Context(), three) }()
		synctest.Wait()
		turns.give(one)
		if err := <-results; err != nil {
			t.Errorf("behind those who left: %v", err)
		}
		turns.give(three)
		if turns.used() != 0 || len(turns.clients) != 0 || len(turns.order) != 0 {
			t.Errorf("%d turns, %d lines, %d in order are left", turns.used(), len(turns.clients), len(turns.order))
		}
	})
}

// However requests come, are done and leave, no turn is idle that somebody may have, and nobody has more than may be.
func TestNoTurnIsIdleAndNoneIsTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		turns := newTurns(rapid.IntRange(1, 4).Draw(t, "most"), rapid.IntRange(1, 3).Draw(t, "each"))
		clients := []netip.Addr{one, two, three}
		has, waiting := map[netip.Addr]int{}, []*waiter{}
		var called *waiter // the last one
		settle := func() {
			waiting = slices.DeleteFunc(waiting, func(w *waiter) bool {
				if w.called {
					has[w.line.client]++
					called = w
				}
				return w.called
			})
			sum := 0
			for _, client := range clients {
				if sum += has[client]; has[client] > turns.each {
					t.Fatalf("%s has %d of at most %d", client, has[client], turns.each)
				}
			}
			if sum != turns.used() || sum > turns.most {
				t.Fatalf("%d are had, %d counted, at most %d", sum, turns.used(), turns.most)
			}
			for _, w := range waiting {
				if sum < turns.most && has[w.line.client] < turns.each {
					t.Fatalf("%s waits, and may have one", w.line.client)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				client := rapid.SampledFrom(clients).Draw(t, "client")
				if w := turns.join(client); w != nil {
					waiting = append(waiting, w)
				} else {
					has[client]++
				}
				settle()
			},
			"give": func(t *rapid.T) {
				client := rapid.SampledFrom(clients).Draw(t, "client")
				if has[client] > 0 {
					has[client]--
					turns.give(client)
				}
				settle()
			},
			"leave, as its turn comes": func(t *rapid.T) {
				if called != nil && has[called.line.client] > 0 && turns.clients[called.line.client] == called.line { // it has its turn still
					has[called.line.client]--
					_ = turns.leave(called, errWork)
					called = nil
				}
				settle()
			},
			"leave": func(t *rapid.T) {
				if len(waiting) > 0 {
					n := rapid.IntRange(0, len(waiting)-1).Draw(t, "who")
					_ = turns.leave(waiting[n], errWork)
					waiting = slices.Delete(waiting, n, n+1)
				}
				settle()
			},
		})
		for _, w := range waiting {
			_ = turns.leave(w, errWork)
		}
		for _, client := range clients {
			for range has[client] {
				turns.give(client)
			}
		}
		if turns.used() != 0 || len(turns.clients) != 0 {
			t.Fatalf("%d turns, %d lines are left", turns.used(), len(turns.clients))
		}
	})
}

func TestLargeBodiesLeaveACoreToOthers(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	limits := Limits{DecodedBytes: 10 << 20, InFlightBytes: 128 << 20}
	for cores, want := range map[int]int{1: 1, 2: 1, 3: 2, 4: 3, 64: 3} { // the last for want of memory
		runtime.GOMAXPROCS(cores)
		if got := heavyTurns(limits).most; got != want {
			t.Errorf("%d cores: %d, want %d", cores, got, want)
		}
	}
}

// On one core a request that is worked on for long lets one that is ready have it.
func TestLongWorkPauses(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	ran := make(chan struct{})
	go close(ran)
	for range 3 { // now and then Go looks at those who paused first
		(&turn{since: time.Now().Add(-time.Second)}).pause()
	}
	select {
	case <-ran:
	default:
		t.Error("it does not pause")
	}
}

// taken is a Kafka that takes everything at once.
type taken struct{}

func (taken) SendEach(context.Context, string, []event.Record) error { return nil }

// As many requests at once as there are cores, and some more, all of one client: what turns cost a throughput of bodies up to the large.
func BenchmarkHandlerAtOnce(b *testing.B) {
	for _, n := range []int{5, 100, 500} {
		b.Run(fmt.Sprintf("%d events", n), func(b *testing.B) {
			h, _ := newHandler(b, benchLimits)
			h.intake.Regions["us"] = taken{}
			body := benchBody(n)
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
					r.Header.Set("X-Write-Key", "wk_us_key")
					h.ServeHTTP(httptest.NewRecorder(), r)
				}
			})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}
