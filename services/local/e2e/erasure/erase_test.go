package erasure

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/schemas"
)

// By every identifier, and in both tables; and again when all that Kafka has is enriched and stored anew.
func TestAUserIsGoneAndEverybodyElseStays(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	ids := p.send(
		visit{visitor: "v-ann", n: 3},                              // before she logged in
		visit{visitor: "v-ann", user: "ann", n: 4},                 //
		visit{visitor: "v-ann-2", user: "ann", n: 2},               // her other machine
		visit{visitor: "v-kiosk", user: "ann", n: 1},               // one that others use, too
		visit{visitor: "v-kiosk", user: "bob", n: 5},               //
		visit{visitor: "v-kiosk", n: 2},                            // nobody knows whose
		visit{account: "b", visitor: "v-ann", user: "ann", n: 6},   // another customer's
		visit{visitor: "v-ann-2", user: "ann", broken: true, n: 2}, //
		visit{visitor: "v-carol", user: "Ann", n: 1},               // another person
		visit{visitor: "v-dave", user: `o'dave "\\ 日本`, n: 1},      //
	)
	p.holds(25, "1")
	p.eventually("dead letters", func() bool { return p.count("SELECT count() FROM dead_events") == 2 })

	dry := p.ctl("erase", "--account", "a", "--user", "ann", "--dry-run")
	for _, want := range []string{"10 rows of events and 2 of dead_events would be erased", "2 visitors that only this user was", "1 visitors were other users, too"} {
		if !strings.Contains(dry, want) {
			t.Errorf("%q does not say %q", dry, want)
		}
	}
	if n := len(p.records(schemas.ErasuresTopic(region))); n != 0 {
		t.Fatalf("a dry run wrote %d tombstones", n)
	}

	var receipt struct {
		Tombstones []string `json:"tombstones"`
		Events     int      `json:"events"`
		DeadEvents int      `json:"dead_events"`
		Done       bool     `json:"done"`
		Kafka      []struct{ Topic, Until string }
	}
	if err := json.Unmarshal([]byte(p.erase("--user", "ann", "--json")), &receipt); err != nil {
		t.Fatal(err)
	}
	if !receipt.Done || receipt.Events != 10 || receipt.DeadEvents != 2 || len(receipt.Tombstones) != 3 || len(receipt.Kafka) != 3 {
		t.Errorf("%+v", receipt)
	}
	p.holds(0, "account_id = 'a' AND (user_id = 'ann' OR visitor_id IN ('v-ann', 'v-ann-2'))")
	p.holds(7, "visitor_id = 'v-kiosk'")
	p.holds(6, "account_id = 'b'")
	p.holds(15, "1")
	if n := p.count("SELECT count() FROM dead_events"); n != 0 {
		t.Errorf("%d dead letters are left", n)
	}

	letters := len(p.records(schemas.DeadTopic(region)))
	p.anew()
	p.holds(15, "1")
	if again := len(p.records(schemas.DeadTopic(region))); again != letters {
		t.Errorf("%d dead letters were written anew, with all that was sent", again-letters)
	}
	p.audit("ERASED", "Complete")
	if text := p.ctl("where", ids[0]); !strings.Contains(text, "erased, by tombstone "+receipt.Tombstones[0]) && !strings.Contains(text, "erased, by tombstone "+receipt.Tombstones[1]) {
		t.Error(text)
	}

	// Erased twice is erased once.
	if second := p.erase("--user", "ann"); !strings.Contains(second, "0 rows of events") {
		t.Error(second)
	}
	if n := len(p.records(schemas.ErasuresTopic(region))); n != 4 {
		t.Errorf("%d records, want the user's again beside the first three", n)
	}
	if list := p.ctl("erasures", "list"); strings.Count(list, "\n") != 4 || strings.Contains(list, "ann") {
		t.Error(list)
	}

	p.erase("--user", `o'dave "\\ 日本`)
	p.holds(14, "1")
	p.holds(1, "user_id = 'Ann'")
}

// What is received after an erasure is another matter, unless it is suppressed.
func TestWhoComesBackIsStoredUnlessSuppressed(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{visitor: "v", user: "ann", n: 3}, visit{visitor: "w", user: "bob", n: 3})
	p.holds(6, "1")
	p.erase("--visitor", "v")
	p.holds(0, "visitor_id = 'v'")
	p.send(visit{visitor: "v", user: "ann", n: 2})
	p.holds(2, "visitor_id = 'v'")
	p.anew()
	p.holds(5, "1")
	p.holds(2, "visitor_id = 'v'")

	p.erase("--visitor", "v", "--suppress")
	p.holds(3, "1")
	p.send(visit{visitor: "v", user: "ann", n: 2}, visit{visitor: "w", user: "bob", n: 1})
	p.holds(4, "1")
	p.holds(0, "visitor_id = 'v'")
	p.audit("Complete")
	p.erase("--visitor", "v") // does not lift the suppression
	p.send(visit{visitor: "v", user: "ann", n: 2}, visit{visitor: "w", user: "bob", n: 1})
	p.holds(5, "1")
	p.holds(0, "visitor_id = 'v'")
}

// A client's id that the account's policy never stores still finds the person, from then on and in what is enriched again.
func TestAPersonIsFoundByAnIDThatIsNotStored(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	p.send(visit{account: "hidden", visitor: "v", user: "ann", n: 3}, visit{account: "hidden", visitor: "w", user: "bob", n: 2})
	p.holds(5, "user_id = ''")
	p.ctl("erase", "--yes", "--account", "hidden", "--user", "ann", "--margin", "0s", "--suppress")
	p.holds(5, "1") // the table does not know whose they are
	p.send(visit{account: "hidden", visitor: "v", user: "ann", n: 3}, visit{account: "hidden", visitor: "w", user: "bob", n: 1})
	p.holds(6, "1")
	p.anew()
	p.holds(3, "1")
	p.holds(0, "visitor_id = 'v'")
}

func TestASpanIsErased(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	day := 24 * time.Hour
	at := time.Now().Truncate(day).Add(-2 * day)
	p.send(visit{visitor: "v", n: 2, at: at}, visit{visitor: "w", n: 2, at: at.Add(day)}, visit{account: "b", visitor: "w", n: 1, at: at})
	p.holds(5, "1")
	p.erase("--from", at.Format(time.RFC3339), "--to", at.Add(day).Format(time.RFC3339))
	p.holds(3, "1")
	p.holds(0, "account_id = 'a' AND visitor_id = 'v'")
	p.erase("--visitor", "w", "--from", at.Add(2*day).Format(time.RFC3339))
	p.holds(3, "1")
	p.anew()
	p.holds(3, "1")
}
