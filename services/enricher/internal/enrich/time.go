package enrich

import (
	"time"

	"github.com/waymark-events/waymark/pkg/event"
)

// A Window is how far an event's time may lie from the moment the edge received it. What lies further is set to the limit.
type Window struct {
	Future, Past time.Duration
}

// sentBefore is how much earlier than the event the client may say it sent it: browsers coarsen their timers, and
// the clock may be set between the two readings.
const sentBefore = time.Minute

// correctTime returns when an event happened by the edge's clock, and what was done to the client's reading. All times are
// Unix milliseconds; sentAt is 0 when the client did not say.
//
// time and sentAt come from one clock, so their difference is the event's age when it was sent, whatever that clock shows;
// taking it off receivedAt corrects any skew. The reading is plausible when that age lies between sentBefore below zero and
// w.Past. Outside of it the two were not read from one clock (or sentAt is in seconds), and the event's own time is
// the better guess.
func correctTime(at, sentAt, receivedAt int64, w Window) (int64, event.TimeFlag) {
	corrected, flag := at, event.TimeFlag_TIME_AS_SENT
	if plausible(at, sentAt, w) {
		corrected, flag = receivedAt-(sentAt-at), event.TimeFlag_TIME_CORRECTED
	}
	if latest := receivedAt + w.Future.Milliseconds(); corrected > latest {
		return latest, event.TimeFlag_TIME_CLAMPED_FUTURE
	}
	if earliest := receivedAt - w.Past.Milliseconds(); corrected < earliest {
		return earliest, event.TimeFlag_TIME_CLAMPED_PAST
	}
	return corrected, flag
}

func plausible(at, sentAt int64, w Window) bool {
	if sentAt == 0 || sentAt > maxMillis || sentAt < -maxMillis {
		return false
	}
	age := sentAt - at
	return age >= -sentBefore.Milliseconds() && age <= w.Past.Milliseconds()
}

// beyondTable tells whether the client's own reading, Unix milliseconds, is one that the table cannot hold: client_time is then the nearest
// that it holds.
func beyondTable(at int64) bool { return at < event.MinStoredTime || at > event.MaxStoredTime }
