package ask

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// flights lets equal questions that are under way at once have one query, and those of a few seconds its answer. A query goes on as long as somebody
// waits for it.
type flights struct {
	mu     sync.Mutex
	flying map[string]*flight
	recent *simplelru.LRU[string, kept]
	keep   time.Duration
}

// A kept answer serves until a moment.
type kept struct {
	answer *Answer
	until  time.Time
}

type flight struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{}
	answer  *Answer
	err     error
}

// What is remembered of answers: so many, of so many cells each.
const (
	mostRecent = 256
	mostCells  = 50_000
)

// newFlights remembers answers for a time; 0 is not at all.
func newFlights(keep time.Duration) *flights {
	recent, _ := simplelru.NewLRU[string, kept](mostRecent, nil) // the size is positive
	return &flights{flying: make(map[string]*flight), recent: recent, keep: keep}
}

// do returns the answer of key: one of a moment ago, that of a query under way, or what run makes. It returns when ctx ends, too; run's context ends when
// nobody waits any more.
func (f *flights) do(ctx context.Context, key string, run func(context.Context) (*Answer, error)) (answer *Answer, shared bool, err error) {
	f.mu.Lock()
	if k, is := f.recent.Get(key); is && time.Now().Before(k.until) {
		f.mu.Unlock()
		return k.answer, true, nil
	}
	fl, shared := f.flying[key]
	if !shared {
		runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		fl = &flight{cancel: cancel, done: make(chan struct{})}
		f.flying[key] = fl
		go f.fly(runCtx, key, fl, run)
	}
	fl.waiting++
	f.mu.Unlock()
	select {
	case <-fl.done:
		answer, err = fl.answer, fl.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	f.mu.Lock()
	fl.waiting--
	last := fl.waiting == 0
	if last {
		fl.cancel()
		if f.flying[key] == fl { // who comes now must not wait for a query that was ended
			delete(f.flying, key)
		}
	}
	f.mu.Unlock()
	if last {
		<-fl.done // the query is ended before the request is: none outlives the service
	}
	return answer, shared, err
}

func (f *flights) fly(ctx context.Context, key string, fl *flight, run func(context.Context) (*Answer, error)) {
	defer close(fl.done)
	fl.answer, fl.err = run(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl.err == nil && f.keep > 0 && fl.answer.cells() <= mostCells {
		f.recent.Add(key, kept{fl.answer, time.Now().Add(f.keep)})
	}
	if f.flying[key] == fl {
		delete(f.flying, key)
	}
}
