package collect

import (
	"errors"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/waymark-events/waymark/pkg/kafka"
)

func TestAnOutageDoesNotFillTheLog(t *testing.T) {
	for name, err := range map[string]error{"away": errors.New("no leader"), "too large": &kafka.TooLarge{Records: []int{0}}} {
		h, s := newHandler(t, testLimits)
		core, logs := observer.New(zap.WarnLevel)
		h.intake.Log = zap.New(core)
		s.err = err
		for range 50 {
			post(t, h, good("a"))
		}
		if logs.Len() != 1 {
			t.Errorf("%s: %d lines", name, logs.Len())
		}
	}
}
