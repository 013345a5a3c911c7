package retry

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestInHalvesGoesDownToWhatFailsAlone(t *testing.T) {
	tooMany, broken := errors.New("too many"), errors.New("broken")
	for _, c := range []struct {
		n, most int // most is how many are taken at once
		breaks  int // the one at which another error comes; -1: none
		calls   string
		err     error
	}{
		{0, 1, -1, "0-0", nil},
		{3, 3, -1, "0-3", nil},
		{5, 2, -1, "0-5 0-2 2-5 2-3 3-5", nil},
		{2, 0, -1, "0-2 0-1", tooMany},
		{4, 2, 1, "0-4 0-2", broken},
		{4, 2, 2, "0-4 0-2 2-4", broken},
	} {
		var calls []string
		err := InHalves(c.n, func(err error) bool { return errors.Is(err, tooMany) }, func(from, to int) error {
			calls = append(calls, fmt.Sprintf("%d-%d", from, to))
			switch {
			case to-from > c.most:
				return fmt.Errorf("wrapped: %w", tooMany)
			case from <= c.breaks && c.breaks < to:
				return broken
			}
			return nil
		})
		if !errors.Is(err, c.err) || strings.Join(calls, " ") != c.calls {
			t.Errorf("%+v: %v, called for %v", c, err, calls)
		}
	}
}
