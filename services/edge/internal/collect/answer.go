package collect

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

func writeResults(w http.ResponseWriter, results []intake.Result) {
	var answer struct {
		Accepted int             `json:"accepted"`
		Rejected int             `json:"rejected"`
		Ignored  int             `json:"ignored,omitempty"`
		Results  []intake.Result `json:"results"`
	}
	answer.Results = results
	for i := range results {
		results[i].Index = i
		switch results[i].Status {
		case intake.Accepted:
			answer.Accepted++
		case intake.Ignored:
			answer.Ignored++
		default:
			answer.Rejected++
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

// write answers with a refusal.
func write(w http.ResponseWriter, r *intake.Refusal) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(r.RetryAfter.Seconds())))
	}
	if r.Close {
		w.Header().Set("Connection", "close")
	}
	switch r.Status {
	case http.StatusNoContent:
		w.WriteHeader(r.Status)
		return
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="Waymark write key"`) // Basic would make browsers ask for a password
	}
	var answer struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	answer.Error.Code, answer.Error.Message = r.Code, r.Message
	writeJSON(w, r.Status, answer)
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
