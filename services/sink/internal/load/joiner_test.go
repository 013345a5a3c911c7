package load

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"
)

// While all inserts are under way what comes joins one batch, instead of many small ones that wait; a batch that has its slot takes no more.
func TestAJointBatchThatWaitsForItsInsertTakesMore(t *testing.T) {
	limits := Limits{Rows: 100, Bytes: 1 << 20, Age: time.Second}
	for name, ends := range map[string]func(slots *semaphore.Weighted, stop func()){
		"an insert ends": func(slots *semaphore.Weighted, _ func()) { slots.Release(1) },
		"the sink ends":  func(_ *semaphore.Weighted, stop func()) { stop() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				work, stop := context.WithCancel(t.Context())
				defer stop()
				slots := semaphore.NewWeighted(1)
				if err := slots.Acquire(work, 1); err != nil {
					t.Fatal(err)
				}
				j := newJoiner(nil, slots, time.Second)
				g := &joint{joiner: j, wake: make(chan struct{}, 1)}
				j.gathering = g
				gathered := make(chan error, 1)
				go func() { gathered <- j.gather(work, g, limits) }()
				time.Sleep(time.Minute)
				if len(gathered) > 0 || j.gathering != g {
					t.Error("it takes no more, though it could not be inserted yet")
				}
				ends(slots, stop)
				err := <-gathered
				if stopped := work.Err() != nil; errors.Is(err, context.Canceled) != stopped || (err == nil) == stopped {
					t.Errorf("it has its slot: %v", err)
				}
				if j.gathering != nil || slots.TryAcquire(1) {
					t.Error("it takes more, or has no slot, when it is to be inserted")
				}
			})
		})
	}
}
