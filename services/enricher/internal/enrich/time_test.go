package enrich

import (
	"math"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/recorder"
)

var week = Window{Future: 24 * time.Hour, Past: 7 * 24 * time.Hour}

func TestCorrectTime(t *testing.T) {
	const received = int64(1_700_000_000_000)
	ms := func(d time.Duration) int64 { return d.Milliseconds() }
	const second, day, year = time.Second, 24 * time.Hour, 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		at, sent int64
		want     int64
		flag     event.TimeFlag
	}{
		"clocks agree":                     {received - ms(3*second), received - ms(second), received - ms(2*second), event.TimeFlag_TIME_CORRECTED},
		"client an hour ahead":             {received + ms(time.Hour), received + ms(time.Hour+2*second), received - ms(2*second), event.TimeFlag_TIME_CORRECTED},
		"client's clock at 1970":           {1, 1 + ms(5*second), received - ms(5*second), event.TimeFlag_TIME_CORRECTED},
		"client ten years ahead":           {received + ms(10*year), received + ms(10*year), received, event.TimeFlag_TIME_CORRECTED},
		"queued for six days":              {received - ms(6*day), received, received - ms(6*day), event.TimeFlag_TIME_CORRECTED},
		"event seconds after it was sent":  {received + ms(30*second), received, received + ms(30*second), event.TimeFlag_TIME_CORRECTED},
		"sent_at missing":                  {received - ms(time.Hour), 0, received - ms(time.Hour), event.TimeFlag_TIME_AS_SENT},
		"event minutes after it was sent":  {received - ms(time.Hour), received - ms(2*time.Hour), received - ms(time.Hour), event.TimeFlag_TIME_AS_SENT},
		"sent_at in seconds":               {received - ms(time.Hour), received / 1000, received - ms(time.Hour), event.TimeFlag_TIME_AS_SENT},
		"sent_at in microseconds":          {received - ms(time.Hour), received * 1000, received - ms(time.Hour), event.TimeFlag_TIME_AS_SENT},
		"sent_at beyond all time":          {received - ms(time.Hour), math.MaxInt64, received - ms(time.Hour), event.TimeFlag_TIME_AS_SENT},
		"sent_at before all time":          {received - ms(time.Hour), math.MinInt64, received - ms(time.Hour), event.TimeFlag_TIME_AS_SENT},
		"exactly a day ahead":              {received + ms(day), 0, received + ms(day), event.TimeFlag_TIME_AS_SENT},
		"more than a day ahead":            {received + ms(day) + 1, 0, received + ms(day), event.TimeFlag_TIME_CLAMPED_FUTURE},
		"exactly a week old":               {received - ms(7*day), 0, received - ms(7*day), event.TimeFlag_TIME_AS_SENT},
		"more than a week old":             {received - ms(7*day) - 1, 0, received - ms(7*day), event.TimeFlag_TIME_CLAMPED_PAST},
		"queued for eight days":            {received - ms(8*day), received, received - ms(7*day), event.TimeFlag_TIME_CLAMPED_PAST},
		"the farthest time a client sends": {recorder.MaxTime, 0, received + ms(day), event.TimeFlag_TIME_CLAMPED_FUTURE},
	} {
		t.Run(name, func(t *testing.T) {
			if got, flag := correctTime(c.at, c.sent, received, week); got != c.want || flag != c.flag {
				t.Errorf("got %d (%+d ms) %s, want %d %s", got, got-received, flag, c.want, c.flag)
			}
		})
	}
}

func TestClientTimesThatTheTableCannotHold(t *testing.T) {
	for text, beyond := range map[string]bool{
		"1899-12-31T23:59:59.999Z": true, "1900-01-01T00:00:00Z": false, "1969-12-31T23:59:59.999Z": false, "2026-11-25T12:00:00Z": false,
		"2262-04-11T23:47:16.854Z": false, "2262-04-11T23:47:16.855Z": true, "2300-01-01T00:00:00Z": true, "9999-12-31T23:59:59Z": true,
	} {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := beyondTable(at.UnixMilli()); got != beyond {
			t.Errorf("%s: %t, want %t", text, got, beyond)
		}
	}
	for at, beyond := range map[int64]bool{recorder.MaxTime: true, -recorder.MaxTime: true} {
		if beyondTable(at) != beyond {
			t.Errorf("%d: want %t", at, beyond)
		}
	}
}

func FuzzCorrectTime(f *testing.F) {
	f.Add(int64(1_699_999_999_000), int64(1_700_000_000_000), int64(1_700_000_000_001))
	f.Add(int64(-recorder.MaxTime), int64(math.MinInt64), int64(1))
	f.Fuzz(func(t *testing.T, at, sent, received int64) {
		if at < -recorder.MaxTime || at > recorder.MaxTime || received < 1 || received > maxMillis {
			return // Decode and admit refuse these
		}
		got, flag := correctTime(at, sent, received, week)
		if got > received+week.Future.Milliseconds() || got < received-week.Past.Milliseconds() {
			t.Errorf("%d is outside of the window around %d", got, received)
		}
		if flag == event.TimeFlag_TIME_AS_SENT && got != at {
			t.Errorf("flagged as sent, but %d became %d", at, got)
		}
	})
}

func BenchmarkCorrectTime(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		correctTime(1_699_999_999_000, 1_700_000_000_000, 1_700_000_000_001, week)
	}
}
