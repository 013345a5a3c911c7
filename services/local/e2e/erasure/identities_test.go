package erasure

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/pseudonym"
	"github.com/waymark-events/waymark/schemas"
)

// withAccounts replaces the accounts of a plant whose services do not run yet.
func (p *plant) withAccounts(text string) {
	p.t.Helper()
	p.write(p.accounts, text)
	p.write(p.enricherAccounts, text)
}

// Where pseudonyms are stored, a person is found by those under every key, by who has the keys alone.
func TestAPseudonymisedPersonIsErasedUnderEveryKey(t *testing.T) {
	t.Parallel()
	p := build(t)
	p.withAccounts("accounts: [{id: veiled, region: eu, write_keys: [wk_test_key_veiled], policy: {identification: pseudonymised}}]")
	p.keys = t.TempDir()
	settings, err := os.ReadFile(p.settings)
	if err != nil {
		t.Fatal(err)
	}
	p.write(p.settings, string(settings)+"\nkeys: "+p.keys+"\n")
	p.ctl("keys", "new", "veiled")
	p.start("edge", "enricher", "sink")
	of := func(user string) []string { // under the newest key first
		ring, err := pseudonym.Read(p.keys)
		if err != nil {
			t.Fatal(err)
		}
		return ring.All("veiled", user)
	}
	in := func(column string, ids []string) string { return column + " IN ('" + strings.Join(ids, "', '") + "')" }

	p.send(visit{account: "veiled", visitor: "v-ann", n: 2}, visit{account: "veiled", visitor: "v-ann", user: "ann", n: 3}, visit{account: "veiled", visitor: "v-bob", user: "bob", n: 4})
	p.send(visit{account: "veiled", visitor: "v-kiosk", user: "ann", n: 1}, visit{account: "veiled", visitor: "v-kiosk", user: "bob", n: 1}, visit{account: "veiled", visitor: "v-kiosk", n: 1})
	p.holds(12, "1")
	p.ctl("keys", "new", "veiled")
	p.eventually("a pseudonym under the second key", func() bool {
		p.send(visit{account: "veiled", visitor: "v-probe", user: "probe", n: 1})
		return p.count("SELECT count() FROM events WHERE visitor_id = 'v-probe' AND startsWith(user_id, 'p2.')") > 0
	})
	p.send(visit{account: "veiled", visitor: "v-ann-2", user: "ann", n: 2}, visit{account: "veiled", visitor: "v-bob", user: "bob", n: 1})
	ann := of("ann")
	if len(ann) != 2 {
		t.Fatalf("ann has the pseudonyms %q, want two", ann)
	}
	p.holds(2, "user_id = '"+ann[0]+"' AND startsWith(user_id, 'p2.')")
	p.holds(4, "user_id = '"+ann[1]+"' AND startsWith(user_id, 'p1.')")
	if n := p.count("SELECT count() FROM events_identified WHERE " + in("resolved_user_id", ann)); n < 8 {
		t.Errorf("%d events are hers, want what she did before she logged in, too", n)
	}

	_, exported, _ := p.run("export-person", "--account", "veiled", "--user", "ann")
	if n := strings.Count(exported, "\n"); n != 8 || !strings.Contains(exported, ann[0]) || !strings.Contains(exported, ann[1]) {
		t.Errorf("%d rows are exported, want 8, under both pseudonyms:\n%s", n, exported)
	}
	receipt := p.ctl("erase", "--yes", "--account", "veiled", "--user", "ann", "--margin", "0s")
	if !strings.Contains(receipt, "8 rows of events") {
		t.Error(receipt)
	}
	gone := func(when string) {
		t.Helper()
		p.holds(0, in("user_id", ann)+" OR visitor_id IN ('v-ann', 'v-ann-2')")
		p.holds(6, in("user_id", of("bob")))
		if n := p.count("SELECT count() FROM events_identified WHERE " + in("resolved_user_id", ann)); n != 0 {
			t.Errorf("%s: %d events are resolved to who was erased", when, n)
		}
	}
	gone("erased")
	p.reload()
	p.holds(1, "visitor_id = 'v-kiosk' AND user_id = 'v-kiosk'")
	gone("stored anew")
	p.anew() // under the second key alone
	p.holds(6, "user_id = '"+of("bob")[0]+"'")
	gone("enriched anew")
}

// An alias names two ids of one person: whoever asks for either has it, and it goes with either.
func TestAnAliasGoesWithEitherOfItsIDs(t *testing.T) {
	t.Parallel()
	p := build(t, "edge", "enricher", "sink")
	alias := func(previous, user string) {
		p.postTo("/v1/alias", "wk_test_key_a", fmt.Sprintf(`{"messageId":"%s","userId":%q,"previousId":%q}`, uuid.NewString(), user, previous))
	}
	alias("old-ann", "ann")
	alias("old-bob", "bob")
	alias("old-carl", "carl")
	alias("v-dora", "dora")
	p.send(visit{visitor: "v-1", user: "old-ann", n: 2}, visit{visitor: "v-2", user: "bob", n: 1}, visit{visitor: "v-dora", n: 2}, visit{visitor: "v-3", user: "old-carl", n: 1})
	p.holds(10, "1")
	aliases := func(users ...string) {
		t.Helper()
		p.holds(len(users), "event = 'alias'")
		for _, user := range users {
			p.holds(1, "event = 'alias' AND user_id = '"+user+"'")
		}
	}
	for _, by := range [][2]string{{"--user", "ann"}, {"--user", "old-ann"}, {"--visitor", "v-dora"}, {"--user", "dora"}} {
		_, exported, _ := p.run("export-person", "--account", "a", by[0], by[1])
		if n := strings.Count(exported, `"event":"alias"`); n != 1 {
			t.Errorf("%s: %d aliases are exported:\n%s", by, n, exported)
		}
	}
	p.erase("--user", "ann")
	aliases("bob", "carl", "dora")
	p.erase("--user", "old-bob")
	aliases("carl", "dora")
	p.erase("--visitor", "v-dora")
	aliases("carl")
	// Who was ann's other id is somebody of their own again.
	left := []string{"bob", "carl", "carl", "old-ann", "old-ann"}
	resolved := func(when string) {
		t.Helper()
		var users []string
		if err := p.conn.Query(t.Context(), "SELECT resolved_user_id FROM events_identified ORDER BY resolved_user_id", func(_ []string, values []any) error {
			users = append(users, fmt.Sprint(values[0]))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(users, left) {
			t.Errorf("%s: events are of %q, want %q", when, users, left)
		}
	}
	resolved("erased")
	p.agrees("erased")
	p.reload()
	p.holds(5, "1")
	aliases("carl")
	p.anew()
	p.holds(5, "1")
	aliases("carl")
	resolved("enriched anew")
}

// Segment's messages say what was consented to by purpose.
func TestConsentOfSegmentsMessages(t *testing.T) {
	t.Parallel()
	p := build(t)
	p.withAccounts(`accounts:
  - {id: any, region: eu, write_keys: [wk_test_key_any], policy: {consent: {required: true}}}
  - {id: one, region: eu, write_keys: [wk_test_key_one], policy: {consent: {required: true, purposes: [Analytics]}}}
  - {id: free, region: eu, write_keys: [wk_test_key_free], policy: {consent: {purposes: [Analytics]}}}
`)
	p.start("edge", "enricher", "sink")
	said := map[string]string{
		"nothing": `{}`, "yes": `{"consent":{"categoryPreferences":{"Analytics":true}}}`, "no": `{"consent":{"categoryPreferences":{"Analytics":false}}}`,
		"part": `{"consent":{"categoryPreferences":{"Analytics":true,"Advertising":false}}}`, "other": `{"consent":{"categoryPreferences":{"Advertising":true}}}`, "broken": `{"consent":"yes"}`,
	}
	stored := map[string][]string{"any": {"other", "yes"}, "one": {"part", "yes"}, "free": {"broken", "nothing", "other", "part", "yes"}}
	total := 0
	for account, want := range stored {
		var batch []string
		for name, context := range said {
			batch = append(batch, fmt.Sprintf(`{"type":"track","event":"E","anonymousId":"said-%s","messageId":"%s","context":%s}`, name, uuid.NewString(), context))
		}
		answer := p.postTo("/v1/batch", "wk_test_key_"+account, `{"batch":[`+strings.Join(batch, ",")+`]}`)
		if n := strings.Count(answer, `"not_collected"`); n != len(said)-len(want) {
			t.Errorf("%s: %d are not collected, want %d: %s", account, n, len(said)-len(want), answer)
		}
		total += len(want)
	}
	p.holds(total, "1")
	for account, want := range stored {
		for _, name := range want {
			p.holds(1, fmt.Sprintf("account_id = '%s' AND visitor_id = 'said-%s'", account, name))
		}
	}
	if n := len(p.records(schemas.RawTopic(region))); n != total {
		t.Errorf("%d raw records, want %d: what is not collected reached Kafka", n, total)
	}
}
