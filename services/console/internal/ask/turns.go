package ask

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// ErrBusy is of a user who asks too much at once, or of a console that is asked too much.
var ErrBusy = errors.New("too many questions at once")

// turns bound what each user asks at once, and what waits its turn.
type turns struct {
	most, waiting int
	patience      time.Duration

	mu    sync.Mutex
	users map[string]*turn // of users that ask now
}

type turn struct {
	under int // asking or waiting
	slots *semaphore.Weighted
}

func newTurns(most, waiting int, patience time.Duration) *turns {
	return &turns{most: most, waiting: waiting, patience: patience, users: make(map[string]*turn)}
}

// take waits for the user's turn. done gives it back. Errors: ErrBusy, or ctx's.
func (t *turns) take(ctx context.Context, user string) (done func(), err error) {
	t.mu.Lock()
	own := t.users[user]
	if own == nil {
		own = &turn{slots: semaphore.NewWeighted(int64(t.most))}
		t.users[user] = own
	}
	if own.under >= t.most+t.waiting {
		t.mu.Unlock()
		return nil, ErrBusy
	}
	own.under++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.under--; own.under == 0 {
			delete(t.users, user)
		}
	}
	if err := acquire(ctx, own.slots, t.patience); err != nil {
		leave()
		return nil, err
	}
	return func() {
		own.slots.Release(1)
		leave()
	}, nil
}

// acquire waits for a slot, not for ever.
func acquire(ctx context.Context, slots *semaphore.Weighted, patience time.Duration) error {
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if slots.Acquire(wait, 1) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return ErrBusy
}
