package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	Brokers  []string      `yaml:"brokers"`
	Password Secret        `yaml:"password"`
	Timeout  time.Duration `yaml:"request_timeout"`
}

type frame struct {
	Admin string `yaml:"admin"`
}

type settings struct {
	frame   `yaml:",inline"`
	Frame   frame            `yaml:"frame"`
	Max     int              `yaml:"max"`
	Max2    bool             `yaml:"max_two"`
	Regions map[string]inner `yaml:"regions"`
	Hidden  string           `yaml:"-"`
}

var errBad = errors.New("max: want 1–100")

func (s *settings) Validate() error {
	if s.Max < 1 || s.Max > 100 {
		return errBad
	}
	return nil
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadPutsEnvironmentOverFileOverDefaults(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := write(t, "max: 7\nregions:\n  us: {brokers: [a:1], request_timeout: 3s}\n")
	got := &settings{Max: 1, Max2: true, frame: frame{"default"}}
	err := Load(got, "edge", file, []string{
		"WAYMARK_EDGE_FRAME_ADMIN=:1",
		"WAYMARK_EDGE_REGIONS_US_REQUEST_TIMEOUT=5s",
		"WAYMARK_EDGE_REGIONS_US_PASSWORD=file:" + secret,
		"WAYMARK_EDGE_REGIONS_EU_BROKERS=b:1, c:2",
		"WAYMARK_EDGE_REGIONS_EU_PASSWORD=123",
		"WAYMARK_EDGE_MAX_TWO=false",
		"WAYMARK_SINK_MAX=oops",
		"HOME=/",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &settings{
		frame: frame{"default"}, Frame: frame{":1"}, Max: 7,
		Regions: map[string]inner{
			"us": {Brokers: []string{"a:1"}, Password: "from file", Timeout: 5 * time.Second},
			"eu": {Brokers: []string{"b:1", "c:2"}, Password: "123"},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{})); diff != "" {
		t.Error(diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file, env, says string
	}{
		"unknown key":              {"maxx: 1\n", "", "line 1: maxx: no such setting; is it max?"},
		"unknown nested key":       {"regions:\n  us:\n    broker: [a]\n", "", "line 3: regions.us: broker: no such setting; is it brokers?"},
		"key given twice":          {"max: 1\nmax: 2\n", "", "line 2: max: given twice, first in line 1"},
		"two documents":            {"max: 1\n---\nmax: 2\n", "", "more than one"},
		"list at the top":          {"- max\n", "", "mapping"},
		"unknown variable":         {"", "WAYMARK_EDGE_MAXX=1", "WAYMARK_EDGE_MAXX"},
		"variable names a struct":  {"", "WAYMARK_EDGE_FRAME=1", "WAYMARK_EDGE_FRAME"},
		"variable of a hidden one": {"", "WAYMARK_EDGE_HIDDEN=1", "WAYMARK_EDGE_HIDDEN"},
		"wrong type":               {"", "WAYMARK_EDGE_MAX=many", "max: want a whole number"},
		"scalar for a list":        {"regions: {us: {brokers: a}}\n", "", "line 1: regions.us.brokers: want a list"},
		"text for a duration":      {"regions:\n  us: {request_timeout: soon}\n", "", "line 2: regions.us.request_timeout: want a duration such as 5s"},
		"text for a mapping":       {"frame: on\n", "", "line 1: frame: want a mapping of settings"},
		"within what is merged":    {"regions:\n  us: &us\n    brokerz: [a]\n  eu:\n    <<: *us\n", "", "line 3: regions.us: brokerz: no such setting"},
		"no YAML":                  {"max: 1\n  more: [\n", "", "line 2: "},
		"out of range":             {"max: 101\n", "", errBad.Error()},
		"secret file missing":      {"", "WAYMARK_EDGE_REGIONS_US_PASSWORD=file:missing", "missing"},
		"scalar where mapping is":  {"regions: {us: 5}\n", "WAYMARK_EDGE_REGIONS_US_BROKERS=a", "not a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			var env []string
			if c.env != "" {
				env = []string{c.env}
			}
			err := Load(&settings{Max: 1}, "edge", write(t, c.file), env)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error that says %q", err, c.says)
			}
		})
	}
	if err := Load(&settings{Max: 1}, "edge", "no-such-file.yaml", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
}

func TestPrintHidesSecrets(t *testing.T) {
	var out strings.Builder
	err := Print(&out, &settings{Max: 3, Regions: map[string]inner{"us": {Password: "hunter2", Timeout: time.Minute}, "eu": {}}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), hidden) || !strings.Contains(out.String(), "1m0s") {
		t.Errorf("printed:\n%s", out.String())
	}
}

func TestVariables(t *testing.T) {
	got := Variables(&settings{}, "edge")
	want := []string{
		"WAYMARK_EDGE_ADMIN", "WAYMARK_EDGE_FRAME_ADMIN", "WAYMARK_EDGE_MAX", "WAYMARK_EDGE_MAX_TWO", "WAYMARK_EDGE_REGIONS_*_BROKERS",
		"WAYMARK_EDGE_REGIONS_*_PASSWORD", "WAYMARK_EDGE_REGIONS_*_REQUEST_TIMEOUT",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("max: 7\nregions:\n  us: {brokers: [a:1]}\n", "REGIONS_US_BROKERS", "a,b")
	f.Add("a: &x {b: 1}\nc: *x\n", "MAX", "0x1")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		_ = Load(&settings{Max: 1}, "edge", write(t, text), []string{"WAYMARK_EDGE_" + name + "=" + value})
	})
}

// Whatever is wrong with a file, and wherever the secret landed in it: the error says where, and not what.
func TestErrorsNeverQuoteWhatStandsThere(t *testing.T) {
	const secret = "s3cr3t-Wk_key"
	for name, text := range map[string]string{
		"a text for a number":            "max: SECRET\n",
		"a text for true or false":       "max_two: SECRET\n",
		"a text for a list":              "regions: {us: {brokers: SECRET}}\n",
		"a text for a mapping":           "regions: SECRET\n",
		"a text for a region":            "regions: {us: SECRET}\n",
		"a text for a duration":          "regions: {us: {request_timeout: SECRET}}\n",
		"a list for a text":              "regions: {us: {password: [SECRET]}}\n",
		"a mapping for a text":           "regions: {us: {password: {SECRET: }}}\n",
		"a key":                          "SECRET: 1\n",
		"a key without value":            "max: 1\n? SECRET\n",
		"a key that is a mapping":        "? {a: SECRET}\n: 1\n",
		"a key in flow":                  "regions: {us: {SECRET}}\n",
		"a region's name":                "regions: {SECRET: {request_timeout: soon}}\n",
		"a key twice":                    "regions: {us: {password: SECRET, password: SECRET}}\n",
		"a region twice":                 "regions: {SECRET: {}, SECRET: {}}\n",
		"an unknown anchor":              "regions: {us: {password: *s3cr3t-Wk_key}}\n",
		"an anchor that contains itself": "regions: &s3cr3t-Wk_key {us: *s3cr3t-Wk_key}\n",
		"a text not closed":              "regions: {us: {password: \"SECRET}}\n",
		"another text not closed":        "regions: {us: {password: 'SECRET}}\n",
		"a mapping not closed":           "regions: {us: {password: SECRET\n",
		"indented wrongly":               "regions:\n  us:\n    password: SECRET\n   brokers: [a]\n",
		"a tab":                          "regions:\n\tpassword: SECRET\n",
		"an escape":                      "regions: {us: {password: \"SECRET\\q\"}}\n",
		"a colon in it":                  "regions:\n  us:\n    password: SECRET: SECRET\n",
		"a percent sign":                 "%SECRET\nmax: 1\n",
		"a tag":                          "max: !SECRET 1\n",
		"a tag of numbers":               "max: !!int SECRET\n",
		"binary":                         "regions: {us: {password: !!binary SECRET}}\n",
		"a merge of a text":              "<<: SECRET\n",
		"a merge of texts":               "<<: [SECRET]\n",
		"two documents":                  "max: 1\n---\nSECRET: SECRET\n",
		"a text at the top":              "SECRET\n",
		"a list at the top":              "- SECRET\n",
		"control characters":             "regions: {us: {password: SECRET\x01}}\n",
		"no UTF-8":                       "regions: {us: {password: SECRET\xff}}\n",
		"behind what is right":           "max: 1\nregions:\n  us:\n    password: SECRET\nmax_two: perhaps\n",
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, strings.ReplaceAll(text, "SECRET", secret))
			err := Load(&settings{Max: 1}, "edge", file, nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range []string{secret, "s3cr3t", "Wk_key"} {
				if strings.Contains(err.Error(), part) {
					t.Fatalf("the error quotes it: %v", err)
				}
			}
			if !strings.Contains(err.Error(), "line ") && name != "two documents" && name != "an unknown anchor" && name != "control characters" && name != "no UTF-8" {
				t.Errorf("no line: %v", err)
			}
		})
	}
}

func TestMergesAndAliasesAreTaken(t *testing.T) {
	got := &settings{}
	err := Load(got, "edge", write(t, "max: 3\nregions:\n  us: &us\n    brokers: &b [a:1]\n    request_timeout: 2s\n  eu:\n    <<: *us\n    password: x\n  ca: {brokers: *b}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]inner{
		"us": {Brokers: []string{"a:1"}, Timeout: 2 * time.Second}, "eu": {Brokers: []string{"a:1"}, Timeout: 2 * time.Second, Password: "x"},
		"ca": {Brokers: []string{"a:1"}},
	}
	if diff := cmp.Diff(want, got.Regions); diff != "" {
		t.Error(diff)
	}
}
