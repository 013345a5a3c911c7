package collect

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/kafka"
)

func TestTheSameReasonIsLoggedOnceAMinuteWithItsCount(t *testing.T) {
	var s seldom
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
		if n, told := s.add(c.key, c.n, start.Add(c.after)); n != c.want || told != c.told {
			t.Errorf("%d of %s after %s: %d, %t", c.n, c.key, c.after, n, told)
		}
	}
}

func TestAnOutageDoesNotFillTheLog(t *testing.T) {
	for name, err := range map[string]error{"away": errors.New("no leader"), "too large": &kafka.TooLarge{Records: []int{0}}} {
		h, s := newHandler(t, testLimits)
		core, logs := observer.New(zap.WarnLevel)
		h.Log = zap.New(core)
		s.err = err
		for range 50 {
			post(t, h, good("a"))
		}
		if logs.Len() != 1 {
			t.Errorf("%s: %d lines", name, logs.Len())
		}
	}
}
