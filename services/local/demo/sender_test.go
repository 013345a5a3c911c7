package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// posted is what an edge sees of one request.
type posted struct {
	header http.Header
	body   struct {
		SentAt int64             `json:"sentAt"`
		Events []json.RawMessage `json:"events"`
	}
}

// edge answers the n-th request with answer(n) and keeps what it was asked.
func edge(t *testing.T, answer func(n int, p posted, w http.ResponseWriter)) (*Sender, *[]posted) {
	t.Helper()
	var mu sync.Mutex
	requests := new([]posted)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		p := posted{header: r.Header}
		text, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(text, &p.body)
		}
		if err != nil {
			t.Error(err)
		}
		*requests = append(*requests, p)
		answer(len(*requests), p, w)
	}))
	t.Cleanup(srv.Close)
	s := NewSender(srv.URL, 4)
	t.Cleanup(s.Close)
	return s, requests
}

func accept(_ int, p posted, w http.ResponseWriter) {
	type result struct {
		Status string `json:"status"`
	}
	results := make([]result, len(p.body.Events))
	for i := range results {
		results[i].Status = "accepted"
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"results": results})
}

func TestSendSaysWhoAndWhenAndCountsAnswers(t *testing.T) {
	s, requests := edge(t, accept)
	d := take(t, options(1), 1)[0]
	answer, err := s.Send(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Accepted != len(d.Events) || answer.Rejected != 0 || answer.Retries != 0 {
		t.Errorf("answer %+v for %d events", answer, len(d.Events))
	}
	got := (*requests)[0]
	for name, want := range map[string]string{"X-Write-Key": d.Account.WriteKey, "User-Agent": d.who.agent.userAgent, "X-Forwarded-For": d.who.addr.String()} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.header.Get(name), want)
		}
	}
	if off := time.Until(time.UnixMilli(got.body.SentAt).Add(-d.who.skew)).Abs(); off > 10*time.Second {
		t.Errorf("sentAt is %v off", off)
	}
}

func TestSendRepeatsTheSameEventsUntilTheyAreTaken(t *testing.T) {
	s, requests := edge(t, func(n int, p posted, w http.ResponseWriter) {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			accept(n, p, w)
		}
	})
	d := take(t, options(1), 1)[0]
	answer, err := s.Send(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Retries != 2 || answer.Accepted != len(d.Events) || len(*requests) != 3 {
		t.Errorf("answer %+v after %d requests", answer, len(*requests))
	}
	for i := range d.Events {
		if string((*requests)[0].body.Events[i]) != string((*requests)[2].body.Events[i]) {
			t.Error("the repetition has another event")
		}
	}
}

func TestSendDoesNotRepeatWhatIsRefused(t *testing.T) {
	s, requests := edge(t, func(_ int, _ posted, w http.ResponseWriter) { http.Error(w, "bad key", http.StatusUnauthorized) })
	d := take(t, options(1), 1)[0]
	answer, err := s.Send(t.Context(), d)
	if err != nil || answer.Rejected != len(d.Events) || answer.Refusal == "" || len(*requests) != 1 {
		t.Errorf("answer %+v, %v after %d requests", answer, err, len(*requests))
	}
}

func TestDriveSendsExactlyTheEventsAskedForInEachVisitorsOrder(t *testing.T) {
	g, err := NewGenerator(options(6))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("as they are made", func(t *testing.T) { drives(t, g) })
	stock, err := NewStock(g, 2001)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("made beforehand", func(t *testing.T) { drives(t, stock) })
	var counts Counts
	s, _ := edge(t, accept)
	if err := Drive(t.Context(), stock, s, Plan{Fast: true}, &counts); err != nil || counts.Accepted.Load() != 0 {
		t.Errorf("of an empty stock %d were sent: %v", counts.Accepted.Load(), err)
	}
}

func drives(t *testing.T, traffic Source) {
	s, requests := edge(t, accept)
	var counts Counts
	if err := Drive(t.Context(), traffic, s, Plan{Events: 2001, Connections: 4, Fast: true}, &counts); err != nil {
		t.Fatal(err)
	}
	if counts.Accepted.Load() != 2001 || counts.Rejected.Load() != 0 {
		t.Errorf("accepted %d, rejected %d: %s", counts.Accepted.Load(), counts.Rejected.Load(), counts.Refusal())
	}
	last := map[string]int64{}
	for _, p := range *requests {
		for _, e := range p.body.Events {
			var event struct {
				Time int64
				User struct{ GUID string }
			}
			if err := json.Unmarshal(e, &event); err != nil {
				t.Fatal(err)
			}
			if event.Time < last[event.User.GUID] {
				t.Fatalf("visitor %s goes back in time", event.User.GUID)
			}
			last[event.User.GUID] = event.Time
		}
	}
}
