package ctl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
)

// What an account's policy does not collect is accounted for: by the audit, and for one event.
func TestWhatIsNotCollectedIsAccountedFor(t *testing.T) {
	h := byHand(t)
	events := h.edge(3, time.Now())
	h.store(events[:1])
	h.exec(fmt.Sprintf(`INSERT INTO dead_events (failed_at, region, account_id, stage, reason, error, event_id, received_at, topic, topic_id, partition, leader_epoch, offset)
		SELECT now64(3), 'us', 'a', 'enrich', 'not_collected', 'consent was denied', '%s', now64(3), '%s', '%s', 0, %d, %d`,
		events[1].EventID, events[1].log.Topic, events[1].log.ID, events[1].leaderEpoch, events[1].Offset))
	h.file(events[2], event.StageEnrich, h.bury(events[2]))
	h.enricherAt(3)
	finds(t, 0, found{Records: 3, Stored: 1, Dead: 1, NotCollected: 1})
	if out := ok(t, "audit", "--from", "-1h"); !strings.Contains(out, "NOT COLLECTED") || !strings.Contains(out, "Complete: every record is accounted for") {
		t.Errorf("audit: %s", out)
	}
	if out := ok(t, "dead", "replay", "--region", "us", "--reason", "not_collected", "--yes"); !strings.Contains(out, "1 were not sent: their account's policy did not collect them") || h.end(events[0].log.Topic) != 3 {
		t.Errorf("replayed: %s", out)
	}
	if out := ok(t, "where", events[1].EventID.String()); !strings.Contains(out, "not collected in region us") || !strings.Contains(out, "consent was denied") || !strings.Contains(out, "nothing of it was kept") {
		t.Errorf("where: %s", out)
	}
}

// Rows go when their account's retention says; what is gone by it is not missing, and what was lost is.
func TestRowsExpireByTheirAccountsRetention(t *testing.T) {
	h := byHand(t)
	day := 24 * time.Hour
	at := func(account string, n int, ago time.Duration) []sent {
		var raw []event.Raw
		for range n {
			moment := time.Now().Add(-ago)
			raw = append(raw, event.Raw{Format: event.FormatRecorder, AccountID: account, EventID: uuid.New(), ReceivedAt: moment.UnixMilli(),
				Value: fmt.Appendf(nil, `{"time":%d,"type":"play","data":{"type":"wt"},"user":{"guid":"v"}}`, moment.UnixMilli())})
		}
		return h.edgeOf(raw)
	}
	old, fresh := at("a", 2, 5*day), at("a", 2, time.Hour)
	kept, lost := at("b", 1, 5*day), at("b", 1, 5*day)
	h.store(append(append(old, fresh...), kept...))
	_ = lost
	h.enricherAt(6)
	if rows := ok(t, "sql", "SELECT count() AS n, min(toUnixTimestamp(expires)) AS least FROM events"); rows != "n\tleast\n5\t4294967295\n" {
		t.Errorf("rows that say nothing of their expiry: %s", rows)
	}

	file := filepath.Join(t.TempDir(), "accounts.yaml")
	write := func(days string) {
		text := "accounts:\n- {id: a, region: us, policy: {retention_days: " + days + "}}\n- {id: b, region: us, policy: {retention_days: forever}}\n- {id: c, region: eu}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("3")
	if out := ok(t, "retention", "apply", "--accounts", file); out != "region us, account a: 4 rows changed\nregion us, account b: 0 rows changed\n" {
		t.Errorf("applied: %s", out)
	}
	if out := ok(t, "retention", "apply", "--accounts", file); out != "region us, account a: 0 rows changed\nregion us, account b: 0 rows changed\n" {
		t.Errorf("applied again: %s", out)
	}
	h.exec("OPTIMIZE TABLE events FINAL")
	if rows := ok(t, "sql", "SELECT account_id, count() AS n FROM events GROUP BY account_id ORDER BY account_id"); rows != "account_id\tn\na\t2\nb\t1\n" {
		t.Errorf("rows: %s", rows)
	}
	// What is computed from the rows goes with the last of them.
	for _, of := range [][2]string{{"item_activity", "last_time"}, {"visitor_activity", "last_time"}, {"end_user_activity", "last_seen"}} {
		h.exec("OPTIMIZE TABLE " + of[0] + " FINAL")
		if rows := ok(t, "sql", "SELECT account_id, count() AS n FROM "+of[0]+" GROUP BY account_id ORDER BY account_id"); rows != "account_id\tn\na\t1\nb\t1\n" {
			t.Errorf("%s: %s", of[0], rows)
		}
		if rows := ok(t, "sql", "SELECT toInt64(expires) - toInt64(toUnixTimestamp("+of[1]+")) AS seconds FROM "+of[0]+" WHERE account_id = 'a'"); rows != "seconds\n259200\n" {
			t.Errorf("%s: %s", of[0], rows)
		}
	}
	finds(t, 1, found{Records: 6, Stored: 3, AgedOut: 2, Missing: 1})

	// Where an account's rows differ, its retention was changed: what the shorter one would have deleted may have aged out.
	write("30")
	ok(t, "retention", "apply", "--accounts", file, "--account", "a")
	h.exec(fmt.Sprintf("ALTER TABLE events UPDATE expires = time + INTERVAL 3 DAY WHERE event_id = '%s' SETTINGS mutations_sync = 1", fresh[0].EventID))
	finds(t, 1, found{Records: 6, Stored: 3, MayBe: 2, Missing: 1})
	fails(t, []string{"--accounts is needed"}, "retention", "apply")
}

func TestKeysFromTheFirstToTheLast(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("WAYMARK_WAYMARKCTL_KEYS", dir)
	if out := ok(t, "keys", "new", "acme"); !strings.Contains(out, "account acme: key 1 is made") {
		t.Errorf("new: %s", out)
	}
	before := ok(t, "keys", "find", "acme", "jane")
	ok(t, "keys", "new", "acme")
	if now := ok(t, "keys", "find", "acme", "jane"); !strings.HasPrefix(now, "p2.") || !strings.HasSuffix(now, "\n"+before) {
		t.Errorf("found %q, then %q", before, now)
	}
	fails(t, []string{"key 1 of account acme", "say --yes"}, "keys", "destroy", "acme", "1")
	ok(t, "keys", "destroy", "acme", "1", "--yes")
	fails(t, []string{"there is no such key"}, "keys", "destroy", "acme", "1", "--yes")
	if now := ok(t, "keys", "find", "acme", "jane"); strings.Contains(now, "p1.") {
		t.Errorf("found %q after it was destroyed", now)
	}
	list := ok(t, "keys", "list")
	for _, words := range []string{"acme     1    p1.…        destroyed", "acme     2    p2.…        in use"} {
		if !strings.Contains(list, words) {
			t.Errorf("%q is not in:\n%s", words, list)
		}
	}
	fails(t, []string{"account other has no key"}, "keys", "find", "other", "jane")
	t.Setenv("WAYMARK_WAYMARKCTL_KEYS", "")
	fails(t, []string{"--keys is needed"}, "keys", "list")
}

func TestPolicyShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte("accounts: [{id: a, region: us}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("WAYMARK_WAYMARKCTL_ACCOUNTS", file)
	region(t, "us", "127.0.0.1:1", "127.0.0.1:1", "their_database")
	if out := ok(t, "policy", "show", "a"); !strings.Contains(out, "Account a: its events stay in region us") || !strings.Contains(out, "their_database.events, 365 days") {
		t.Errorf("%s", out)
	}
	fails(t, []string{`there is no account "b"`}, "policy", "show", "b")
}
