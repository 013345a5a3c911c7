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
