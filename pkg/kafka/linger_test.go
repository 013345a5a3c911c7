package kafka

import (
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
)

func TestOnlyBusyPartitionsWaitLonger(t *testing.T) {
	records := func(bytes int) []event.Record {
		return []event.Record{{Key: []byte("k"), Value: make([]byte, bytes)}}
	}
	for name, c := range map[string]struct {
		calls [][]event.Record
		want  time.Duration
	}{
		"one call":                {[][]event.Record{records(1000)}, 5 * time.Millisecond},
		"one call, a little less": {[][]event.Record{records(busyBytes - 200)}, 5 * time.Millisecond},
		"one call, many bytes":    {[][]event.Record{records(busyBytes)}, busyLinger},
		"one call, two parts":     {[][]event.Record{append(records(1000), records(1000)...)}, 5 * time.Millisecond},
		"two calls":               {[][]event.Record{records(1000), records(1000)}, busyLinger},
	} {
		cfg := DefaultProducerConfig()
		q := &partitionQueue{producer: &Producer{cfg: cfg}, working: true}
		for _, recs := range c.calls {
			q.enqueue(recs, newWaiter(len(recs)))
		}
		q.waiting[0].since = time.Now().Add(-time.Hour)
		q.next()
		if got := lingerOf(q.busy, cfg.Linger); got != c.want {
			t.Errorf("after %s: %s, want %s", name, got, c.want)
		}
	}
	if got := lingerOf(true, time.Second); got != time.Second {
		t.Errorf("who wants a second waits %s", got)
	}
	if got := lingerOf(true, 0); got != 0 {
		t.Errorf("who wants no wait waits %s", got)
	}
}
