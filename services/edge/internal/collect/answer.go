package collect

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
)

// A result is the answer for one event.
type result struct {
	Index   int    `json:"index"`  // its place in the request, from 0
	Status  string `json:"status"` // accepted or rejected
	ID      string `json:"id,omitempty"`
	Code    string `json:"code,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message,omitempty"`
	// Warnings say which members of an accepted event are not stored as they were sent.
	Warnings []event.Warning `json:"warnings,omitempty"`

	record int // of an accepted event: its place among the records
}

const (
	accepted = "accepted"
	rejected = "rejected"
)

func writeResults(w http.ResponseWriter, results []result) {
	var answer struct {
		Accepted int      `json:"accepted"`
		Rejected int      `json:"rejected"`
		Results  []result `json:"results"`
	}
	answer.Results = results
	for i := range results {
		results[i].Index = i
		if results[i].Status == accepted {
			answer.Accepted++
		} else {
			answer.Rejected++
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

// A refusal answers a whole request of which nothing is stored, as far as the edge knows.
type refusal struct {
	status     int
	code       string
	message    string
	retryAfter time.Duration
	// close ends the connection: the rest of the request was not read.
	close bool
}

func refuse(status int, code, message string) *refusal {
	return &refusal{status: status, code: code, message: message}
}

// after asks the client to wait, in whole seconds, at least one.
func (r *refusal) after(wait time.Duration) *refusal {
	r.retryAfter = max(time.Second, wait.Round(time.Second))
	return r
}

func (r *refusal) write(w http.ResponseWriter) {
	if r.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(r.retryAfter.Seconds())))
	}
	if r.close {
		w.Header().Set("Connection", "close")
	}
	switch r.status {
	case http.StatusNoContent:
		w.WriteHeader(r.status)
		return
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="Waymark write key"`)
	}
	var answer struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	answer.Error.Code, answer.Error.Message = r.code, r.message
	writeJSON(w, r.status, answer)
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil { // strings and numbers always marshal
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a client that is gone needs no answer
}
