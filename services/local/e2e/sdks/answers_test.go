package sdks

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A door is what stands before an edge: it gives the first requests with events an answer of its own.
type door struct {
	status int  // 0 for the edge's own answer, which is then lost
	first  int  // how many requests get it
	hold   bool // a lost answer leaves the client waiting; else its connection is cut

	met atomic.Int64
}

// always is more requests than any client makes here.
const always = 1000

func (d *door) open(t *testing.T, edge string) string {
	t.Helper()
	behind, err := url.Parse(edge)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || d.met.Add(1) > int64(d.first) {
			proxy.ServeHTTP(w, r)
			return
		}
		if d.status == 0 {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			if d.hold {
				<-r.Context().Done()
			}
			panic(http.ErrAbortHandler)
		}
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		header.Set("Access-Control-Allow-Credentials", "true")
		header.Set("Access-Control-Expose-Headers", "Retry-After, X-RateLimit-Reset")
		if d.status == http.StatusTooManyRequests || d.status == http.StatusServiceUnavailable {
			header.Set("Retry-After", "1")
			header.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Second).UnixMilli(), 10))
		}
		w.WriteHeader(d.status)
		_, _ = w.Write([]byte(`{"error":{}}`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// What a client does with an answer: how many of its events are stored in the end, and whether it says that it failed.
type fate struct {
	status int
	stored int
	fails  bool
}

const lost = 0 // instead of a status: the events are stored, and the answer does not arrive

var serverFates = map[string][]fate{
	"analytics-node 3": {{200, 6, false}, {400, 0, true}, {401, 0, true}, {429, 6, false}, {503, 6, false}, {lost, 6, false}},
	// 401 is tried again, and accepted when the key is known at last.
	"analytics-node 2": {{200, 6, false}, {400, 0, true}, {401, 6, false}, {429, 6, false}, {503, 6, false}, {lost, 6, false}},
	// It does not try again what timed out, and says that it failed.
	"rudder-sdk-node": {{200, 6, false}, {400, 5, true}, {401, 5, true}, {429, 6, false}, {503, 6, false}, {lost, 6, true}},
	// It never tries again: what is refused is lost, and what timed out is stored nevertheless.
	"jitsu": {{200, 4, false}, {400, 3, true}, {401, 3, true}, {429, 3, true}, {503, 3, true}, {lost, 4, true}},
}

func (p pipeline) testServersAnswers(t *testing.T) {
	type run struct {
		name, mark, said string
		fate
		door *door
	}
	var runs []*run
	t.Run("sending", func(t *testing.T) {
		for _, s := range servers {
			for _, f := range serverFates[s.name] {
				r := &run{name: fmt.Sprintf("%s, %d", s.name, f.status), fate: f, door: &door{status: f.status, first: 1, hold: true}}
				r.mark = newMark(r.name)
				if f.status == http.StatusOK {
					r.door.first = 0
				}
				runs = append(runs, r)
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					variables := s.with(r.door.open(t, p.edge()), r.mark)
					if f.status == lost {
						variables["TIMEOUT"] = "3000"
					}
					var outcome any
					node(t, s.script, variables, &outcome)
					r.said = fmt.Sprint(outcome)
				})
			}
		}
	})
	p.settle(t)
	for _, r := range runs {
		if delivered(r.said) == r.fails {
			t.Errorf("%s: the client says %s", r.name, r.said)
		}
		if rows := p.stored(t, r.mark); len(rows) != r.stored {
			t.Errorf("%s: %d events are stored, want %d; %d requests came", r.name, len(rows), r.stored, r.door.met.Load())
		}
	}
}

// delivered tells whether a script says of each message that it was delivered, or, of Jitsu's, complains of none.
func delivered(said string) bool {
	return said != "" && strings.Count(said, ":") == strings.Count(said, ":delivered")
}

var pageFates = map[string][]fate{
	"analytics-next":              {{200, 6, false}, {400, 0, false}, {401, 0, false}, {429, 6, false}, {503, 6, false}, {lost, 6, false}},
	"analytics-next, batching":    {{200, 6, false}, {400, 0, false}, {401, 0, false}, {429, 6, false}, {503, 6, false}, {lost, 6, false}},
	"rudder analytics-js":         {{200, 5, false}, {400, 0, false}, {401, 0, false}, {429, 5, false}, {503, 5, false}, {lost, 5, false}},
	"rudder analytics-js, beacon": {{200, 5, false}, {503, 0, false}}, // nobody hears the answer to a beacon
	"jitsu":                       {{200, 4, false}, {400, 0, true}, {503, 0, true}, {lost, 4, true}},
}

func (p pipeline) testPagesAnswers(t *testing.T) {
	type run struct {
		name, mark string
		fate
		door *door
	}
	var runs []run
	var addresses []string
	for _, s := range pages {
		for _, f := range pageFates[s.name] {
			r := run{name: fmt.Sprintf("%s, %d", s.name, f.status), fate: f, door: &door{status: f.status, first: 1}}
			switch {
			case f.status == http.StatusOK:
				r.door.first = 0
			case f.stored == 0, s.file == "jitsu.html":
				r.door.first = always
			}
			r.mark = newMark(r.name)
			runs = append(runs, r)
			addresses = append(addresses, s.file+"?"+query(append([]string{"edge", r.door.open(t, p.edge()), "key", key, "mark", r.mark}, s.query...)...))
		}
	}
	b, outcomes := open(t, addresses)
	for _, r := range runs {
		wait(t, func() (bool, string) {
			rows := p.stored(t, r.mark)
			return len(rows) >= r.stored && r.door.met.Load() > 0, fmt.Sprintf("%s: %d events are stored, want %d; %d requests came", r.name, len(rows), r.stored, r.door.met.Load())
		})
	}
	b.leave(t)
	p.settle(t)
	for i, r := range runs {
		if complaints, _ := outcomes[i].([]any); (len(complaints) > 0) != r.fails {
			t.Errorf("%s: the page says %v", r.name, outcomes[i])
		}
		if rows := p.stored(t, r.mark); len(rows) != r.stored {
			t.Errorf("%s: %d events are stored, want %d; %d requests came", r.name, len(rows), r.stored, r.door.met.Load())
		}
	}
}
