package kafka

import (
	"testing"
	"time"
)

func TestOnlyBusyPartitionsWaitLonger(t *testing.T) {
	for last, want := range map[int]time.Duration{0: 5, busyBytes - 1: 5, busyBytes: 20, 1 << 20: 20} {
		if got := lingerAfter(last, 5*time.Millisecond); got != want*time.Millisecond {
			t.Errorf("after %d bytes: %s, want %d ms", last, got, want)
		}
	}
	if got := lingerAfter(1<<20, time.Second); got != time.Second {
		t.Errorf("who wants a second waits %s", got)
	}
	if got := lingerAfter(1<<20, 0); got != 0 {
		t.Errorf("who wants no wait waits %s", got)
	}
}
