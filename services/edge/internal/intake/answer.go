package intake

import (
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/privacy"
)

// A Result is the answer for one event.
type Result struct {
	Index   int    `json:"index"`  // its place in the request, from 0
	Status  string `json:"status"` // accepted, rejected, dead, dropped or ignored
	ID      string `json:"id,omitempty"`
	Code    string `json:"code,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message,omitempty"`
	// Warnings say which members of an accepted event are not stored as they were sent.
	Warnings []event.Warning `json:"warnings,omitempty"`

	record  int             // of an event that is stored: its place among the records
	refusal privacy.Refusal // of an ignored event
}

const (
	// Accepted, Rejected, Dead, Dropped and Ignored are what becomes of an event. A dead one is stored, and becomes a dead letter; a dropped one is
	// right, and its account does not want it; an ignored one is right, and not collected by the account's policy.
	Accepted = "accepted"
	Rejected = "rejected"
	Dead     = "dead"
	Dropped  = "dropped"
	Ignored  = "ignored"
)

// A Refusal answers a whole request of which nothing is stored, as far as the edge knows.
type Refusal struct {
	Status     int // of HTTP
	Code       string
	Message    string
	RetryAfter time.Duration // 0 where waiting does not help
	// Close ends the connection: the rest of the request was not read.
	Close bool
	// Limit is the one that a 429 is for.
	Limit *Limit
}

// Refuse makes a Refusal.
func Refuse(status int, code, message string) *Refusal {
	return &Refusal{Status: status, Code: code, Message: message}
}

// longestWait is what clients are asked for at most: SDKs take no longer one for true, and a limit may be raised meanwhile.
const longestWait = 300 * time.Second

// After asks the client to wait, in whole seconds, rounded up: who comes a moment too early is refused once more.
func (r *Refusal) After(wait time.Duration) *Refusal {
	seconds := (wait + time.Second - 1).Truncate(time.Second)
	r.RetryAfter = min(max(time.Second, seconds), longestWait)
	return r
}
