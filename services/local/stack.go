package local

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// A stack runs parts that stand on each other: started in order, stopped in the opposite one, each only after all above it have
// ended. The first part that ends by itself is the stack's failure.
type stack struct {
	group  errgroup.Group
	parts  []*part
	failed chan error // the first failure
}

type part struct {
	name  string
	stop  context.CancelFunc
	ended chan struct{}
	err   error // beyond the stack's first failure
}

func newStack() *stack { return &stack{failed: make(chan error, 1)} }

// start runs a part until the stack stops it. The part's context has ctx's values, not its end.
func (s *stack) start(ctx context.Context, name string, run func(context.Context) error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &part{name: name, stop: stop, ended: make(chan struct{})}
	s.parts = append(s.parts, p)
	s.group.Go(func() error {
		defer close(p.ended)
		err := run(ctx)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = nil
		}
		if err == nil && ctx.Err() == nil {
			err = errors.New("ended by itself")
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
			select {
			case s.failed <- err:
			default:
				p.err = err
			}
		}
		return nil
	})
}

// wait returns nil when ctx ends, or the first failure.
func (s *stack) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// stopTo stops the parts above the first keep ones, the last first, and returns what went wrong and was not told yet.
func (s *stack) stopTo(keep int) error {
	var errs []error
	for len(s.parts) > keep {
		p := s.parts[len(s.parts)-1]
		s.parts = s.parts[:len(s.parts)-1]
		p.stop()
		<-p.ended
		errs = append(errs, p.err)
	}
	if keep == 0 {
		errs = append(errs, s.group.Wait())
	}
	select {
	case err := <-s.failed:
		errs = append(errs, err)
	default:
	}
	return errors.Join(errs...)
}
