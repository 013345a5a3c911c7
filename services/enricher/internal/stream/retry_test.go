package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/kafka"
)

func TestPersistTriesAgainOnlyWhatMayPass(t *testing.T) {
	broken, refused := errors.New("connection refused"), kafka.ErrFenced
	for name, c := range map[string]struct {
		errs  []error
		want  error
		tries int
	}{
		"at once":             {[]error{nil}, nil, 1},
		"the third time":      {[]error{broken, broken, nil}, nil, 3},
		"what will not pass":  {[]error{refused}, refused, 1},
		"first one then both": {[]error{broken, refused}, refused, 2},
	} {
		t.Run(name, func(t *testing.T) {
			tries, failures := 0, 0
			err := persist(context.Background(), func(error) { failures++ }, func() error {
				tries++
				return c.errs[tries-1]
			})
			if !errors.Is(err, c.want) || tries != c.tries || failures != c.tries-1 {
				t.Errorf("error %v after %d tries and %d failures", err, tries, failures)
			}
		})
	}
}

func TestPersistEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	broken := errors.New("connection refused")
	err := persist(ctx, func(error) { cancel() }, func() error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the last failure", err)
	}
}

func TestAPartitionThatDoesNotMoveIsNotReady(t *testing.T) {
	var p progress
	start := time.Unix(1_700_000_000, 0)
	p.touch(3, start)
	if err := p.stalled(start.Add(stallAfter)); err != nil {
		t.Error(err)
	}
	if p.stalled(start.Add(stallAfter+1)) == nil {
		t.Error("ready though partition 3 hangs")
	}
	p.touch(3, start.Add(stallAfter))
	if err := p.stalled(start.Add(stallAfter + 1)); err != nil {
		t.Error(err)
	}
	p.forget(3)
	if err := p.stalled(start.Add(time.Hour)); err != nil {
		t.Errorf("a partition that went to another member: %v", err)
	}
}

func TestHeldPartitionsAreNotReady(t *testing.T) {
	var h held
	if err := h.check(context.Background()); err != nil {
		t.Error(err)
	}
	h.hold(3, 42)
	if h.check(context.Background()) == nil {
		t.Error("ready while a partition is held")
	}
	h.release(3)
	if err := h.check(context.Background()); err != nil {
		t.Error(err)
	}
}
