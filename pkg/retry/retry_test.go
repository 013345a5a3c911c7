package retry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPausesDoubleUpToTheLastAndAreCutByHalfAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Backoff{First: 100 * time.Millisecond, Last: time.Second}
		for i, whole := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
			whole *= time.Millisecond
			started := time.Now()
			if err := b.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(started); took < whole/2 || took > whole {
				t.Errorf("pause %d took %s, want %s–%s", i, took, whole/2, whole)
			}
		}
	})
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		b := Backoff{First: time.Hour, Last: time.Hour}
		if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(started) != time.Second {
			t.Errorf("got %v after %s", err, time.Since(started))
		}
	})
}

func TestItIsTriedAgainOnlyWhileAnErrorMayPass(t *testing.T) {
	passing, permanent := errors.New("connection refused"), errors.New("wrong password")
	for name, c := range map[string]struct {
		errs  []error
		want  error
		tries int
	}{
		"at once":             {[]error{nil}, nil, 1},
		"the third time":      {[]error{passing, passing, nil}, nil, 3},
		"what will not pass":  {[]error{permanent}, permanent, 1},
		"first one then both": {[]error{passing, permanent}, permanent, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, noticed := 0, 0
				p := Policy{First: time.Second, Last: time.Minute, Passes: func(err error) bool { return errors.Is(err, passing) }, Notice: func(error) { noticed++ }}
				err := p.Do(t.Context(), func() error {
					tries++
					return c.errs[tries-1]
				})
				if !errors.Is(err, c.want) || tries != c.tries || noticed != c.tries-1 {
					t.Errorf("error %v after %d tries, %d noticed", err, tries, noticed)
				}
			})
		})
	}
}

func TestTryingEndsWithItsContextAndKeepsTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cause := errors.New("connection refused")
		started := time.Now()
		err := Policy{First: time.Second, Last: time.Hour}.Do(ctx, func() error { return cause })
		if !errors.Is(err, cause) || time.Since(started) != time.Minute {
			t.Errorf("got %v after %s", err, time.Since(started))
		}
	})
}

func TestWorkOutlivesItsContextByTheGraceAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		work, stop := Outlive(ctx, time.Minute)
		defer stop()
		<-time.After(time.Hour) // of the bubble: before the end there is no limit
		if work.Err() != nil {
			t.Fatal("the work ended before its context")
		}
		cancel()
		ended := time.Now()
		<-work.Done()
		if took := time.Since(ended); took != time.Minute {
			t.Errorf("the work went on for %s", took)
		}
	})
}

func TestStoppedWorkLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		work, stop := Outlive(ctx, time.Minute)
		stop()
		if work.Err() == nil {
			t.Error("the work's context goes on")
		}
		cancel()
		synctest.Wait() // a timer or goroutine left would end the test with a deadlock
	})
}
