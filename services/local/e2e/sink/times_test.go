package sink

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
)

// A client may claim any time. What the column cannot hold, or the client library cannot send, becomes the nearest time that can be.
func TestEveryTimeThatAClientClaimsIsStoredOrClamped(t *testing.T) {
	h := newHouse(t, 1)
	at := func(text string) int64 {
		when, err := time.Parse("2006-01-02 15:04:05.000", text)
		if err != nil {
			t.Fatal(err)
		}
		return when.UnixMilli()
	}
	const first, last = "1900-01-01 00:00:00.000", "2262-04-11 23:47:16.854"
	times := []struct {
		millis int64
		want   string
	}{
		{0, "1970-01-01 00:00:00.000"},
		{-1, "1969-12-31 23:59:59.999"},
		{at("2106-02-07 06:28:16.001"), "2106-02-07 06:28:16.001"},
		{at(first), first},
		{at(first) - 1, first},
		{at("1677-09-21 00:12:43.145"), first},
		{at("0001-01-01 00:00:00.000"), first},
		{math.MinInt64, first},
		{at(last), last},
		{at(last) + 1, last},
		{at("2299-12-31 23:59:59.999"), last},
		{at("2300-01-01 00:00:00.000"), last},
		{at("9999-12-31 23:59:59.999"), last},
		{math.MaxInt64, last},
	}
	var records []event.Record
	for _, c := range times {
		e := h.enriched()
		e.ClientTime = c.millis
		records = append(records, record(t, e))
	}
	h.send(0, records...)
	h.run(func() bool { return h.count("SELECT count() FROM events") == len(times) }, "all times")
	for i, c := range times {
		if got := h.row(fmt.Sprintf("SELECT toString(client_time) AS at FROM events WHERE raw_offset = %d", i))["at"]; got != c.want {
			t.Errorf("%d ms is stored as %v, want %s", c.millis, got, c.want)
		}
	}
}
