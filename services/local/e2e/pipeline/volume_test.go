package pipeline

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/services/local/demo"
)

// volume is how many events the volume test sends: WAYMARK_E2E_EVENTS, or 20,000.
func volume(t *testing.T) int {
	t.Helper()
	text := os.Getenv("WAYMARK_E2E_EVENTS")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("WAYMARK_E2E_EVENTS: want a number of events, got %q", text)
	}
	return n
}

// distinct counts the events of both regions since a moment: ids, and rows.
func (r running) distinct(since time.Time) (ids, rows int) {
	r.t.Helper()
	for _, region := range []string{"us", "eu"} {
		row := r.query(region, fmt.Sprintf("SELECT toString(uniqExact(event_id)) AS ids, toString(count()) AS n FROM events WHERE received_at >= fromUnixTimestamp64Milli(%d)", since.UnixMilli()))[0]
		for column, sum := range map[string]*int{"ids": &ids, "n": &rows} {
			n, err := strconv.Atoi(fmt.Sprint(row[column]))
			if err != nil {
				r.t.Fatal(err)
			}
			*sum += n
		}
	}
	return ids, rows
}

func TestEveryAcceptedEventOfALoadIsStoredOnce(t *testing.T) {
	p := use(t)
	n := volume(t)
	since := time.Now()
	traffic, err := demo.NewGenerator(demo.Options{
		Seed: 1, Start: since.Add(-time.Hour), Rate: float64(n) / 3600, Accounts: []demo.Account{{ID: "demo-us", WriteKey: keyUS}, {ID: "demo-eu", WriteKey: keyEU}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sender := demo.NewSender("http://"+p.Addresses.Edge, 8)
	defer sender.Close()
	var counts demo.Counts
	if err := demo.Drive(t.Context(), traffic, sender, demo.Plan{Events: n, Connections: 8, Fast: true}, &counts); err != nil {
		t.Fatal(err)
	}
	if counts.Accepted.Load() != int64(n) {
		t.Fatalf("accepted %d of %d, refused %d: %s", counts.Accepted.Load(), n, counts.Rejected.Load(), counts.Refusal())
	}
	p.settle()
	if ids, rows := p.distinct(since); ids != n || rows != n {
		t.Errorf("ClickHouse has %d rows with %d distinct ids, want %d", rows, ids, n)
	}
}

// A restart keeps what is stored, adds nothing twice, and goes on.
func TestRestartKeepsEverythingAndAddsNothingTwice(t *testing.T) {
	if err := stopShared(); err != nil { // a process can have only one ClickHouse
		t.Fatal(err)
	}
	dir := t.TempDir()
	since := time.Now()
	ids := make([]string, 200)
	for round := range 3 {
		p := running{start(t, dir), t}
		if round == 0 {
			body := "["
			for i := range ids {
				ids[i] = uuid.NewString()
				body += page(ids[i]) + ","
			}
			p.accept(post{key: keyUS, body: body[:len(body)-1] + "]"})
			// Stopped with the events wherever they are.
		} else {
			p.settle()
			if got, rows := p.distinct(since); got != len(ids) || rows != len(ids) {
				t.Errorf("after restart %d: %d rows with %d distinct ids, want %d", round, rows, got, len(ids))
			}
		}
		if err := p.Stop(); err != nil {
			t.Fatalf("stop: %v", err)
		}
	}
}
