package ask

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// waitingFor waits until so many wait for a key.
func (f *flights) waitingFor(t *testing.T, key string, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		fl := f.flying[key]
		there := 0
		if fl != nil {
			there = fl.waiting
		}
		f.mu.Unlock()
		if there == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d wait, want %d", there, n)
		}
	}
}

func TestEqualQuestionsHaveOneQuery(t *testing.T) {
	f := newFlights(0)
	release := make(chan struct{})
	runs := 0
	var asking sync.WaitGroup
	answers := make(chan *Answer, 5)
	for range 5 {
		asking.Go(func() {
			answer, _, err := f.do(t.Context(), "k", func(context.Context) (*Answer, error) {
				runs++
				<-release
				return &Answer{SQL: "x"}, nil
			})
			if err == nil {
				answers <- answer
			}
		})
	}
	f.waitingFor(t, "k", 5)
	close(release)
	asking.Wait()
	if runs != 1 || len(answers) != 5 {
		t.Errorf("%d queries, %d answers", runs, len(answers))
	}
	if _, shared, err := f.do(t.Context(), "k", func(context.Context) (*Answer, error) { return &Answer{}, nil }); shared || err != nil {
		t.Errorf("afterwards: shared %v, %v", shared, err)
	}
}

func TestAQueryGoesOnWhileSomebodyWaitsForIt(t *testing.T) {
	f := newFlights(0)
	release, ended := make(chan struct{}), make(chan error, 1)
	run := func(ctx context.Context) (*Answer, error) {
		select {
		case <-release:
			return &Answer{SQL: "x"}, nil
		case <-ctx.Done():
			ended <- ctx.Err()
			return nil, ctx.Err()
		}
	}
	first, leave := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	asking.Go(func() {
		if _, _, err := f.do(first, "k", run); !errors.Is(err, context.Canceled) {
			t.Errorf("who left has %v", err)
		}
	})
	f.waitingFor(t, "k", 1)
	asking.Go(func() {
		if answer, shared, err := f.do(t.Context(), "k", run); err != nil || answer.SQL != "x" || !shared {
			t.Errorf("who stayed has %v, %v", answer, err)
		}
	})
	f.waitingFor(t, "k", 2)
	leave()
	f.waitingFor(t, "k", 1)
	select {
	case <-ended:
		t.Error("the query was ended")
	default:
	}
	close(release)
	asking.Wait()
}

func TestAQueryEndsWithTheLastWhoWaits(t *testing.T) {
	f := newFlights(0)
	ctx, leave := context.WithCancel(t.Context())
	stopped := false
	var asking sync.WaitGroup
	for range 3 {
		asking.Go(func() {
			_, _, _ = f.do(ctx, "k", func(ctx context.Context) (*Answer, error) {
				<-ctx.Done()
				stopped = true
				return nil, ctx.Err()
			})
		})
	}
	f.waitingFor(t, "k", 3)
	leave()
	asking.Wait()
	if !stopped {
		t.Error("the query goes on")
	}
	// Who comes now has a query of their own.
	if _, shared, err := f.do(t.Context(), "k", func(context.Context) (*Answer, error) { return &Answer{}, nil }); shared || err != nil {
		t.Errorf("shared %v, %v", shared, err)
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	f := newFlights(time.Hour)
	broken := errors.New("broken")
	if _, _, err := f.do(t.Context(), "k", func(context.Context) (*Answer, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	large := &Answer{Rows: make([][]any, mostCells+1)}
	for key, answer := range map[string]*Answer{"k": {SQL: "x"}, "large": large} {
		for i := range 2 {
			_, shared, err := f.do(t.Context(), key, func(context.Context) (*Answer, error) { return answer, nil })
			if err != nil || shared != (i == 1 && key == "k") {
				t.Errorf("%s, time %d: shared %v, %v", key, i, shared, err)
			}
		}
	}
}

func TestTurns(t *testing.T) {
	turns := newTurns(1, 1, 20*time.Millisecond)
	done, err := turns.take(t.Context(), "dana")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := turns.take(t.Context(), "dana"); !errors.Is(err, ErrBusy) {
		t.Errorf("beyond patience: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.take(ctx, "dana"); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone: %v", err)
	}
	other, err := turns.take(t.Context(), "eve")
	if err != nil {
		t.Errorf("another user: %v", err)
	}
	other()
	done()
	again, err := turns.take(t.Context(), "dana")
	if err != nil {
		t.Fatalf("after the turn: %v", err)
	}
	again()
	if len(turns.users) != 0 {
		t.Errorf("%d users are remembered, none of whom asks", len(turns.users))
	}
}

func TestNoMoreWaitThanMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1, 1, time.Hour)
		done, err := turns.take(t.Context(), "dana")
		if err != nil {
			t.Fatal(err)
		}
		var waiting sync.WaitGroup
		waiting.Go(func() {
			second, err := turns.take(t.Context(), "dana")
			if err != nil {
				t.Errorf("the second: %v", err)
				return
			}
			second()
		})
		synctest.Wait() // the second waits its turn
		if _, err := turns.take(t.Context(), "dana"); !errors.Is(err, ErrBusy) {
			t.Errorf("a third: %v", err)
		}
		done()
		waiting.Wait()
	})
}
