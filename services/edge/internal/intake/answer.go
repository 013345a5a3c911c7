package intake

import (
	"time"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/privacy"
)

// A Result is the answer for one event.
type Result struct {
	Index   int    `json:"index"`  // its place in the request, from 0
	Status  string `json:"status"` // accepted, rejected or ignored
	ID      string `json:"id,omitempty"`
	Code    string `json:"code,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message,omitempty"`
	// Warnings say which members of an accepted event are not stored as they were sent.
	Warnings []event.Warning `json:"warnings,omitempty"`

	record  int             // of an accepted event: its place among the records
	refusal privacy.Refusal // of an ignored event
}

const (
	// Accepted, Rejected and Ignored are what becomes of an event. An ignored one is right, and not collected by the account's policy.
	Accepted = "accepted"
	Rejected = "rejected"
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
}

// Refuse makes a Refusal.
func Refuse(status int, code, message string) *Refusal {
	return &Refusal{Status: status, Code: code, Message: message}
}

// After asks the client to wait, in whole seconds, at least one.
func (r *Refusal) After(wait time.Duration) *Refusal {
	r.RetryAfter = max(time.Second, wait.Round(time.Second))
	return r
}
