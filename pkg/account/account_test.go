package account

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const good = `accounts:
  - id: demo-us
    name: Demo
    region: us
    write_keys: [wk_demo_us, wk_demo_us_2]
    policy: {identification: cookie, level: 2, collect_url: true}
  - id: demo-eu
    region: eu
    write_keys: [wk_demo_eu]
`

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRead(t *testing.T) {
	d, err := Read(write(t, good))
	if err != nil {
		t.Fatal(err)
	}
	us := d.ByID("demo-us")
	if us == nil || us != d.ByKey("wk_demo_us") || us != d.ByKey("wk_demo_us_2") || us.Region != "us" || !us.Policy.CollectURL || us.Policy.CollectTitle {
		t.Errorf("demo-us: %+v", us)
	}
	if eu := d.ByKey("wk_demo_eu"); eu == nil || !reflect.DeepEqual(eu.Policy, Policy{Identification: IdentifyNone, Level: Everything, Geo: GeoCity, IP: MaskIP}) {
		t.Errorf("an account without a policy must collect events and nothing that names anybody: %+v", eu)
	}
	if d.ByKey("wk_demo") != nil || d.ByID("") != nil {
		t.Error("an unknown key or id was found")
	}
	if all := d.Accounts(); len(all) != 2 || all[0].ID != "demo-eu" {
		t.Errorf("accounts: %v", all)
	}
}

func TestReadSegmentEvents(t *testing.T) {
	d, err := Read(write(t, strings.Replace(good, "    write_keys: [wk_demo_eu]", "    write_keys: [wk_demo_eu]\n    segment_events: {Tour Started: {item: wt, event: play, properties: {item_id: tour_id}}}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if rule := d.ByID("demo-eu").SegmentEvents["Tour Started"]; rule.Item != "wt" || rule.Event != "play" || rule.Properties["item_id"] != "tour_id" {
		t.Errorf("%+v", rule)
	}
	if d.Empty() {
		t.Error("two accounts are none")
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"unknown key":            {"accounts: [{id: a, region: us, key: k}]", "key"},
		"bad id":                 {"accounts: [{id: A b, region: us}]", "id:"},
		"no region":              {"accounts: [{id: a}]", "region:"},
		"id twice":               {"accounts: [{id: a, region: us}, {id: a, region: us}]", "twice"},
		"write key of two":       {"accounts: [{id: a, region: us, write_keys: [12345678]}, {id: b, region: us, write_keys: [12345678]}]", `belongs to "a"`},
		"short write key":        {"accounts: [{id: a, region: us, write_keys: [short]}]", "write_keys[0]"},
		"an item that is none":   {"accounts: [{id: a, region: us, segment_events: {Tour Started: {item: tour, event: play}}}]", `segment_events: "Tour Started": item: want one of wt, `},
		"another item's event":   {"accounts: [{id: a, region: us, segment_events: {A: {item: wt, event: play}, TourStarted: {item: wt, event: open}}}]", "segment_events: rule 2 in the names' order: event: a walkthru has play, "},
		"a field that is none":   {"accounts: [{id: a, region: us, segment_events: {T: {item: wt, event: play, properties: {id: x}}}}]", "properties: want names among item_id, "},
		"a misspelt setting":     {"accounts: [{id: a, region: us, segment_events: {T: {item: wt, event: play, props: {id: x}}}}]", "no such setting here; there are item, event, properties"},
		"unknown identification": {"accounts: [{id: a, region: us, policy: {identification: email}}]", "policy.identification"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(write(t, c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error that says %q", err, c.says)
			}
		})
	}
}

// A broken file is logged: with the place, without a write key.
func TestErrorsNeverQuoteAWriteKey(t *testing.T) {
	const key = "Wk_live_s3cr3t"
	for name, text := range map[string]string{
		"a text for the list":   "accounts:\n- id: a\n  region: us\n  write_keys: KEY\n",
		"a mapping for it":      "accounts:\n- id: a\n  region: us\n  write_keys: {KEY: }\n",
		"without its name":      "accounts:\n- {id: a, region: us, KEY}\n",
		"as a name":             "accounts:\n- id: a\n  region: us\n  KEY: write_keys\n",
		"as the id":             "accounts:\n- {id: KEY, region: us}\n",
		"as the region":         "accounts:\n- {id: a, region: KEY}\n",
		"as the identification": "accounts:\n- {id: a, region: us, policy: {identification: KEY}}\n",
		"as an event's name":    "accounts:\n- {id: a, region: us, segment_events: {KEY: {item: wt, event: x}}}\n",
		"as an item":            "accounts:\n- {id: a, region: us, segment_events: {T: {item: KEY, event: x}}}\n",
		"as a property":         "accounts:\n- {id: a, region: us, segment_events: {T: {item: wt, event: play, properties: {KEY: x}}}}\n",
		"as the policy":         "accounts:\n- {id: a, region: us, policy: KEY}\n",
		"as true or false":      "accounts:\n- {id: a, region: us, policy: {collect_url: KEY}}\n",
		"as an account":         "accounts:\n- KEY\n",
		"with a blank":          "accounts:\n- {id: a, region: us, write_keys: [\"KEY KEY\"]}\n",
		"of two accounts":       "accounts:\n- {id: a, region: us, write_keys: [KEY]}\n- {id: b, region: us, write_keys: [KEY]}\n",
		"an alias":              "accounts:\n- {id: a, region: us, write_keys: [*Wk_live_s3cr3t]}\n",
		"cut off":               "accounts:\n- {id: a, region: us, write_keys: [KEY",
		"a quote not closed":    "accounts:\n- {id: a, region: us, write_keys: [\"KEY]}\n",
		"indented wrongly":      "accounts:\n- id: a\n  region: us\n  write_keys:\n  - KEY\n - KEY\n",
		"a colon behind it":     "accounts:\n- id: a\n  write_keys: KEY: KEY\n",
	} {
		_, err := Read(write(t, strings.ReplaceAll(text, "KEY", key)))
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStoreTakesOverAChangeAndKeepsTheLastGoodReading(t *testing.T) {
	file := write(t, good)
	s, err := Open(file, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Watch(ctx, time.Millisecond) }()
	defer func() { cancel(); <-done }()

	replace := func(text, result string, count float64) {
		t.Helper()
		next := file + ".next"
		if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, file); err != nil {
			t.Fatal(err)
		}
		deadline := time.After(10 * time.Second)
		for testutil.ToFloat64(s.reloads.WithLabelValues(result)) != count {
			select {
			case <-deadline:
				t.Fatalf("reloads{%s} never became %v", result, count)
			case <-time.After(time.Millisecond):
			}
		}
	}
	replace("accounts: [{id: new, region: us, write_keys: [wk_brand_new]}]", "ok", 1)
	if d := s.Directory(); d.ByKey("wk_brand_new") == nil || d.ByKey("wk_demo_us") != nil {
		t.Error("the changed file is not in force")
	}
	replace("accounts: [{id: new", "error", 1)
	if s.Directory().ByKey("wk_brand_new") == nil {
		t.Error("a broken file took the accounts away")
	}
	replace(good, "ok", 2)
	if s.Directory().ByKey("wk_demo_us") == nil {
		t.Error("the fixed file is not in force")
	}
}

func TestOpenNeedsAGoodFile(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none.yaml"), zap.NewNop(), prometheus.NewRegistry()); err == nil {
		t.Error("a missing file was opened")
	}
}
