package collect

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
)

// sameInOneScan splits and checks a body twice, with events read in brief and with none, and fails where that makes a difference. It tells
// how many were read in brief.
func sameInOneScan(t testing.TB, h *Handler, body []byte, contentType string) (brief int) {
	t.Helper()
	want, wantRefused := h.splitInto(nil, body, contentType)
	got, gotRefused := h.split(body, contentType)
	defer got.release()
	if diff := cmp.Diff(wantRefused, gotRefused); diff != "" {
		t.Fatalf("refusal: %s of %q", diff, body)
	}
	if want.key != got.key || want.sentAt != got.sentAt || len(want.events) != len(got.events) {
		t.Fatalf("split %+v, want %+v: %q", got, want, body)
	}
	for i := range want.events {
		w, g := &want.events[i], &got.events[i]
		if g.Brief != nil {
			brief++
		}
		if string(w.Value) != string(g.Value) || w.Depth != g.Depth {
			t.Fatalf("piece %d: %q of depth %d, want %q of depth %d: %q", i, g.Value, g.Depth, w.Value, w.Depth, body)
		}
	}
	if wantRefused != nil {
		return brief
	}
	request := &intake.Request{
		Owner: h.intake.Accounts.Directory().Grant("wk_us_key").Account, Format: event.FormatRecorder, Received: 1_700_000_000_000, Header: make(http.Header),
		Client: netip.MustParseAddr("203.0.113.9"),
	}
	if diff := cmp.Diff(decided(t, h, want.events, request), decided(t, h, got.events, request)); diff != "" {
		t.Fatalf("decided: %s of %q", diff, body)
	}
	return brief
}

// decided is what Check makes of events, without ids that are new each time.
func decided(t testing.TB, h *Handler, events []intake.Piece, request *intake.Request) (out []string) {
	t.Helper()
	checked := h.intake.Check(events, request)
	defer checked.Release()
	fresh := strings.NewReplacer()
	for i := range checked.Results {
		r := checked.Results[i]
		if strings.Count(r.ID, "-") == 4 && r.ID[14] == '7' && !strings.Contains(string(events[i].Value), r.ID) {
			fresh = strings.NewReplacer(r.ID, "new")
			r.ID = "new"
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	for i := range checked.Records {
		rec := &checked.Records[i]
		line := string(rec.Value)
		if id := string(rec.Header(event.HeaderEventID)); id[14] != '7' || strings.Contains(line, id) {
			line += " under " + string(rec.Key)
		}
		for _, header := range rec.Headers {
			if header.Key != event.HeaderEventID {
				line += " " + header.Key + "=" + string(header.Value)
			}
		}
		out = append(out, fresh.Replace(line))
	}
	return out
}

// bodiesInOneScan are bodies, and how many of their events are read in brief.
func bodiesInOneScan() map[string]int {
	a, b, odd := good("a"), good("b"), `{"time":1.5e3,"type":"play","data":{"type":"wt"},"user":{"id":7}}`
	pretty := "{\n \"time\": 1,\n \"type\": \"play\",\n \"data\": {\"type\": \"wt\"}\n}"
	return map[string]int{
		a:                                   1,
		" \xef\xbb\xbf " + a:                0,
		"\xef\xbb\xbf" + a + "\n":           1,
		"[" + a + "," + odd + "," + b + "]": 2,
		`{"key":"k","sentAt":1700000000000,"events":[` + a + `, ` + b + `]}`: 2,
		`{"events":[` + a + `],"events":[` + b + `],"time":1}`:               2,
		`{"events":[` + a + `]} x`:                                           1,
		a + "\n" + b:                                                         2,
		a + b + "\n" + odd:                                                   2,
		pretty:                                                               1,
		pretty + "\n" + a:                                                    1,
		a + "x\n" + b:                                                        1,
		"[" + a + "," + a + "]":                                              2,
		"[" + a:                                                              1,
		"[" + a + ",":                                                        1,
		a[:len(a)-1] + `,"events":[]}`:                                       0,
		a[:len(a)-1] + `,"events":{}}`:                                       0,
		a[:len(a)-1] + `,"unclosed":"`:                                       0,
		"{\"\n" + a + "\n{\"a\":\"\n" + b:                                    2,
		"[" + strings.Repeat(a+",", 6) + a + "]":                             6,
		"[" + strings.Replace(a, `"type":"play"`, `"type":"play","deep":`+strings.Repeat("[", 9)+strings.Repeat("]", 9), 1) + "]": 1,
		"[" + good(strings.Repeat("x", 1100)) + "," + b + "]":                                                                     2,
		`[{"time":1,"type":"play","data":{"type":"wt"},"user":{"guid":"g"},"consent":{"purposes":{"ads":false}}},` + a + `]`:      2,
	}
}

func TestEventsReadInBriefAreDecidedAsEver(t *testing.T) {
	h, _ := newHandler(t, testLimits)
	for body, want := range bodiesInOneScan() {
		for _, contentType := range []string{"", "application/x-ndjson"} {
			got := sameInOneScan(t, h, []byte(body), contentType)
			if contentType == "" && got != want {
				t.Errorf("%d events were read in brief, want %d: %q", got, want, body)
			}
		}
	}
}

func TestThePublishedExamplesAreSplitInOneScan(t *testing.T) {
	h, _ := newHandler(t, Limits{Limits: intake.Limits{EventBytes: 32 << 10, Depth: 32}, BatchEvents: 500})
	files, err := filepath.Glob("../../../../schemas/events/examples/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	body := `{"events":[` + strings.Join(all, ",") + `]}`
	if n := sameInOneScan(t, h, []byte(body), ""); n != len(all) {
		t.Errorf("%d of %d examples were read in brief", n, len(all))
	}
}

func FuzzOneScan(f *testing.F) {
	for body := range bodiesInOneScan() {
		f.Add([]byte(body), "")
		f.Add([]byte(body), "application/x-ndjson")
	}
	h, _ := newHandler(f, testLimits)
	f.Fuzz(func(t *testing.T, body []byte, contentType string) { sameInOneScan(t, h, body, contentType) })
}
