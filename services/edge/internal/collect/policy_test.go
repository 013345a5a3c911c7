package collect

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// What an account's policy does not collect is answered 200 and ignored, one by one, and reaches no Kafka.
func TestWhatIsNotCollectedIsIgnored(t *testing.T) {
	h, s, registry := newHandlerOf(t, testLimits, `accounts:
  - {id: a-us, region: us, write_keys: [wk_us_key], policy: {level: 1, consent: {required: true, ignore_dnt: true}, environments: {test: {level: 2}}}}
`)
	granted := func(more string) string {
		return `{"time":1700000000000,"consent":"granted",` + more + `}`
	}
	w, a := post(t, h, "["+strings.Join([]string{
		granted(`"type":"play","data":{"type":"wt"}`),
		granted(`"type":"view","data":{"type":"page"}`),
		granted(`"type":"view","data":{"type":"page"},"environment":"Test"`),
		`{"time":1700000000000,"type":"play","data":{"type":"wt"}}`,
		`{"time":1700000000000,"type":"play","data":{"type":"wt"},"consent":"denied"}`,
	}, ",")+"]", with("DNT", "1"))
	if w.Code != 200 || a.Accepted != 2 || a.Rejected != 0 || a.Ignored != 3 || len(s.stored) != 2 {
		t.Fatalf("%d: %s; %d stored", w.Code, w.Body, len(s.stored))
	}
	for i, status := range []string{intake.Accepted, intake.Ignored, intake.Accepted, intake.Ignored, intake.Ignored} {
		got := a.Results[i]
		if got.Status != status || got.Index != i || (status == intake.Ignored) != (got.Code == string(event.ReasonNotCollected)) || (status == intake.Ignored) != (got.Message != "") {
			t.Errorf("%d: %+v", i, got)
		}
		if status == intake.Ignored && got.ID != "" {
			t.Errorf("%d: has id %s, which nothing has", i, got.ID)
		}
	}
	if w, a = post(t, h, granted(`"type":"play","data":{"type":"wt"}`), with("Sec-GPC", "1")); w.Code != 200 || a.Ignored != 1 || len(s.stored) != 2 {
		t.Errorf("with GPC %d: %s; %d stored", w.Code, w.Body, len(s.stored))
	}
	const want = `# HELP waymark_edge_not_collected_total Events answered as ignored, by region and why the account's policy does not collect them (level, denied, no_consent, gpc, dnt).
# TYPE waymark_edge_not_collected_total counter
waymark_edge_not_collected_total{reason="denied",region="us"} 1
waymark_edge_not_collected_total{reason="gpc",region="us"} 1
waymark_edge_not_collected_total{reason="level",region="us"} 1
waymark_edge_not_collected_total{reason="no_consent",region="us"} 1
`
	if err := testutil.GatherAndCompare(registry.(prometheus.Gatherer), strings.NewReader(want), "waymark_edge_not_collected_total"); err != nil {
		t.Error(err)
	}
}

// What of the client's address is in the raw record is the policy's.
func TestTheAddressInTheRawRecordIsThePolicys(t *testing.T) {
	for policy, want := range map[string]string{
		"{}": "203.0.113.0", "{ip: drop}": "", "{ip: mask}": "203.0.113.0", "{ip: mask, ip_at: edge}": "203.0.113.0", "{ip: mask, ip_at: enricher}": "203.0.113.77", "{ip_at: enricher}": "203.0.113.77",
	} {
		h, s, _ := newHandlerOf(t, testLimits, `accounts: [{id: a-us, region: us, write_keys: [wk_us_key], policy: `+policy+`}]`)
		r := with("X-Forwarded-For", "203.0.113.77")
		if w, a := post(t, h, good("a"), r, func(r *http.Request) { r.RemoteAddr = "10.0.0.1:1" }); a.Accepted != 1 {
			t.Fatalf("%s: %s", policy, w.Body)
		}
		if got := string(s.stored[0].Header(event.HeaderClientIP)); got != want {
			t.Errorf("%s: %q, want %q", policy, got, want)
		}
		for _, header := range s.stored[0].Headers {
			if want != "203.0.113.77" && strings.Contains(string(header.Value), "203.0.113.77") {
				t.Errorf("%s: header %s has the whole address", policy, header.Key)
			}
		}
	}
}

// The key names the visitor, and lies on every topic: it has no trace of an id that is not stored as it was sent.
func TestTheKeyOfARecordHasNoTraceOfAnIDThatIsNotStored(t *testing.T) {
	body := func(user string) string {
		return `{"id":"a","time":1700000000000,"type":"play","data":{"type":"wt"},"session":"s","user":` + user + `}`
	}
	for _, setting := range []string{"none", "generated", "hashed", "pseudonymised"} {
		h, s, _ := newHandlerOf(t, testLimits, `accounts: [{id: a-us, region: us, write_keys: [wk_us_key], policy: {identification: `+setting+`}}]`)
		for _, user := range []string{`{}`, `{"id":"jane@example.com"}`, `{"id":"jane@example.com","guid":"jane@example.com"}`} {
			post(t, h, body(user))
		}
		if len(s.stored) != 3 || string(s.stored[0].Key) != string(s.stored[1].Key) || string(s.stored[0].Key) != string(s.stored[2].Key) {
			t.Errorf("%s: %d stored, and their keys differ", setting, len(s.stored))
		}
	}
}
