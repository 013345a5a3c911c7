package intake

import (
	"time"

	"github.com/waymark-events/waymark/pkg/event"
)

// A Result is the answer for one event.
type Result struct {
	Index   int    `json:"index"`  // its place in the request, from 0
	Status  string `json:"status"` // accepted, rejected or dead
	ID      string `json:"id,omitempty"`
	Code    string `json:"code,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message,omitempty"`
	// Warnings say which members of an accepted event are not stored as they were sent.
	Warnings []event.Warning `json:"warnings,omitempty"`

	record int // of an event that is stored: its place among the records
}

const (
	// Accepted, Rejected and Dead are what becomes of an event; a dead one is stored, and becomes a dead letter.
	Accepted = "accepted"
	Rejected = "rejected"
	Dead     = "dead"
)

// A Refusal answers a whole request of which nothing is stored, as far as the edge knows.
type Refusal struct {
	Status     int // of HTTP
	Code       string
	Message    string
	RetryAfter time.Duration // 0 where waiting does not help
	// Close ends the connection: the rest of the request was not read.
	Close bool
}

// Refuse makes a Refusal.
func Refuse(status int, code, message string) *Refusal {
	return &Refusal{Status: status, Code: code, Message: message}
}

// longestWait is the longest that SDKs wait when they are asked to.
const longestWait = 5 * time.Minute

// After asks the client to wait, in whole seconds, at least one and at most as many as it would.
func (r *Refusal) After(wait time.Duration) *Refusal {
	r.RetryAfter = min(max(time.Second, wait.Round(time.Second)), longestWait)
	return r
}
