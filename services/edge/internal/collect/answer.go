package collect

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// protect sets what keeps an answer from being taken for anything but what it is: no page, no script, nothing to keep or to be told where it came
// from. Pages of other sites may get it, as CORS allows: those that want to be isolated (COEP) only take what says so.
func protect(header http.Header) {
	for _, field := range protection {
		header[field.name] = field.value
	}
}

// protection is shared by all answers: nothing may be added to its values.
var protection = []struct {
	name  string // canonical
	value []string
}{
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
	{"Cross-Origin-Resource-Policy", []string{"cross-origin"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"Cache-Control", []string{"no-store"}}, // a preflight's own age is in Access-Control-Max-Age, whatever this says
}

func writeResults(w http.ResponseWriter, results []intake.Result) {
	writeCounts(w, "{", count(results))
}

// answers are memory of answers.
var answers = sync.Pool{New: func() any { return new([]byte) }}

// mostAnswer bounds what is kept of one, in bytes.
const mostAnswer = 64 << 10

// writeCounts writes what json.Marshal makes of c, behind a beginning of the object.
func writeCounts(w http.ResponseWriter, begin string, c counts) {
	kept := answers.Get().(*[]byte)
	text := append(c.appendJSON(append((*kept)[:0], begin...)), '\n')
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(text) // a client that is gone needs no answer
	if *kept = text; cap(text) <= mostAnswer {
		answers.Put(kept)
	}
}

var jsonType = []string{"application/json"}

// appendJSON appends c's members and the end of their object.
func (c *counts) appendJSON(out []byte) []byte {
	out = strconv.AppendInt(append(out, `"accepted":`...), int64(c.Accepted), 10)
	out = strconv.AppendInt(append(out, `,"rejected":`...), int64(c.Rejected), 10)
	for _, few := range [...]struct {
		name string
		n    int
	}{{`,"dead":`, c.Dead}, {`,"dropped":`, c.Dropped}, {`,"ignored":`, c.Ignored}} {
		if few.n > 0 {
			out = strconv.AppendInt(append(out, few.name...), int64(few.n), 10)
		}
	}
	out = append(out, `,"results":[`...)
	for i := range c.Results {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendResult(out, &c.Results[i])
	}
	return append(out, "]}"...)
}

// appendResult appends what json.Marshal makes of r. Most results are of events that are right, and have nothing to be quoted.
func appendResult(out []byte, r *intake.Result) []byte {
	if r.Code != "" || r.Path != "" || r.Message != "" || len(r.Warnings) > 0 {
		text, _ := json.Marshal(r) // strings and numbers always marshal
		return append(out, text...)
	}
	out = strconv.AppendInt(append(out, `{"index":`...), int64(r.Index), 10)
	out = append(append(append(out, `,"status":"`...), r.Status...), '"')
	if r.ID != "" {
		out = append(append(append(out, `,"id":"`...), r.ID...), '"')
	}
	return append(out, '}')
}

// counts are the results, and how many there are of each.
type counts struct {
	Accepted int             `json:"accepted"`
	Rejected int             `json:"rejected"`
	Dead     int             `json:"dead,omitempty"`
	Dropped  int             `json:"dropped,omitempty"`
	Ignored  int             `json:"ignored,omitempty"`
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
		case intake.Dropped:
			out.Dropped++
		case intake.Ignored:
			out.Ignored++
		default:
			out.Rejected++
		}
	}
	return out
}

// write answers with a refusal.
func write(w http.ResponseWriter, r *intake.Refusal) {
	tell(w.Header(), r)
	if r.Status == http.StatusNoContent {
		w.WriteHeader(r.Status)
		return
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

// tell puts into an answer's header what a refusal asks of the client.
func tell(header http.Header, r *intake.Refusal) {
	if r.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(r.RetryAfter.Seconds())))
	}
	if r.Limit != nil {
		tellLimit(header, r)
	}
	if r.Close {
		header.Set("Connection", "close")
	}
	if r.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="Waymark write key"`) // Basic would make browsers ask for a password
	}
}

// tellLimit says which limit it was, in the fields of draft-ietf-httpapi-ratelimit-headers-10, and in the older X-RateLimit-Reset, whose Unix
// milliseconds some SDKs read in place of Retry-After. Those two
// say when to come again; RateLimit, when the limit lets something pass, which for a quota may be weeks.
func tellLimit(header http.Header, r *intake.Refusal) {
	l := r.Limit
	header.Set("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;qu="%s";w=%d`, l.Name, l.Quota, l.Unit, int64(l.Window.Seconds())))
	header.Set("RateLimit", fmt.Sprintf(`"%s";r=0;t=%d`, l.Name, int64(math.Ceil(l.Wait.Seconds()))))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(r.RetryAfter).UnixMilli(), 10))
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil { // strings and numbers always marshal
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a client that is gone needs no answer
}
