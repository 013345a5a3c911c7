package collect

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

func writeResults(w http.ResponseWriter, results []intake.Result) {
	writeJSON(w, http.StatusOK, count(results))
}

// counts are the results, and how many there are of each.
type counts struct {
	Accepted int             `json:"accepted"`
	Rejected int             `json:"rejected"`
	Dead     int             `json:"dead,omitempty"`
	Results  []intake.Result `json:"results"`
}

func count(results []intake.Result) counts {
	out := counts{Results: results}
	for i := range results {
		results[i].Index = i
		switch results[i].Status {
		case intake.Accepted:
			out.Accepted++
		case intake.Dead:
			out.Dead++
		default:
			out.Rejected++
		}
	}
	return out
}

// write answers with a refusal.
func write(w http.ResponseWriter, r *intake.Refusal) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(r.RetryAfter.Seconds())))
		if r.Status == http.StatusTooManyRequests { // Unix milliseconds, as Segment's older SDK for Node.js reads it, and Retry-After not
			w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(r.RetryAfter).UnixMilli(), 10))
		}
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
