package seldom

import (
	"testing"
	"time"
)

func TestTheSameReasonIsLoggedOnceAMinuteWithItsCount(t *testing.T) {
	var s Counter
	start := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		key   string
		n     int
		after time.Duration
		want  int
		told  bool
	}{
		{"a", 2, 0, 2, true}, {"a", 3, time.Second, 0, false}, {"b", 1, 2 * time.Second, 1, true}, {"a", 4, 59 * time.Second, 0, false},
		{"a", 1, time.Minute, 8, true}, {"a", 5, 61 * time.Second, 0, false}, {"a", 1, time.Hour, 6, true},
	} {
		if n, told := s.Add(c.key, c.n, start.Add(c.after)); n != c.want || told != c.told {
			t.Errorf("%d of %s after %s: %d, %t", c.n, c.key, c.after, n, told)
		}
	}
}
