package intake

import (
	"testing"
	"time"
)

// Whoever comes again when told must not be told so once more: other servers round down, and refuse their most obedient clients twice.
func TestRetryAfterIsNeverTooEarlyAndNeverTooLong(t *testing.T) {
	for wait, want := range map[time.Duration]time.Duration{
		0: time.Second, time.Nanosecond: time.Second, time.Second: time.Second, 1100 * time.Millisecond: 2 * time.Second, 1900 * time.Millisecond: 2 * time.Second,
		299*time.Second + 1: 300 * time.Second, 31 * 24 * time.Hour: 300 * time.Second,
	} {
		if got := Refuse(429, "", "").After(wait).RetryAfter; got != want {
			t.Errorf("%s: %s, want %s", wait, got, want)
		}
	}
}
