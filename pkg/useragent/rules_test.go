package useragent

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ua-parser/uap-go/uaparser"
	"go.yaml.in/yaml/v3"
)

// uapCase is a case of uap-core's own tests.
type uapCase struct {
	UA         string `yaml:"user_agent_string"`
	Family     string
	Major      string
	Minor      string
	Patch      string
	PatchMinor string `yaml:"patch_minor"`
	Brand      string
	Model      string
}

func uapCases(t testing.TB, file string) []uapCase {
	t.Helper()
	var out struct {
		Cases []uapCase `yaml:"test_cases"`
	}
	if err := yaml.Unmarshal(unzipped(t, file), &out); err != nil {
		t.Fatal(err)
	}
	return out.Cases
}

func unzipped(t testing.TB, file string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if content, err = gunzip(content); err != nil {
		t.Fatal(err)
	}
	return content
}

func TestUapCoresOwnBrowserTests(t *testing.T) {
	r := loaded(t)
	for _, c := range uapCases(t, "test_ua.yaml.gz") {
		hits := r.filter.Scan(c.UA)
		want := uaparser.UserAgent{Family: c.Family, Major: c.Major, Minor: c.Minor, Patch: c.Patch}
		if diff := cmp.Diff(want, r.browser(c.UA, hits)); diff != "" {
			t.Errorf("%s\n%s", c.UA, diff)
		}
		hits.Release()
	}
}

func TestUapCoresOwnSystemTests(t *testing.T) {
	r := loaded(t)
	for _, c := range uapCases(t, "test_os.yaml.gz") {
		hits := r.filter.Scan(c.UA)
		want := uaparser.Os{Family: c.Family, Major: c.Major, Minor: c.Minor, Patch: c.Patch, PatchMinor: c.PatchMinor}
		if diff := cmp.Diff(want, r.system(c.UA, hits)); diff != "" {
			t.Errorf("%s\n%s", c.UA, diff)
		}
		hits.Release()
	}
}

func TestUapCoresOwnDeviceTests(t *testing.T) {
	r := loaded(t)
	for _, c := range uapCases(t, "test_device.yaml.gz") {
		hits := r.filter.Scan(c.UA)
		want := uaparser.Device{Family: c.Family, Brand: c.Brand, Model: c.Model}
		if diff := cmp.Diff(want, r.device(c.UA, hits)); diff != "" {
			t.Errorf("%s\n%s", c.UA, diff)
		}
		hits.Release()
	}
}

func loaded(t testing.TB) *rules {
	t.Helper()
	r, err := loadRules()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type weighted struct {
	ua     string
	weight float64
}

// samples are of real traffic: before iOS 26 and after.
var samples = []string{"browsers-2025-02.tsv.gz", "browsers-2026-09.tsv.gz"}

// realBrowsers are user agents seen in the wild, most frequent first.
func realBrowsers(t testing.TB) []weighted {
	t.Helper()
	return weightedBrowsers(t, samples[1])
}

func weightedBrowsers(t testing.TB, file string) []weighted {
	t.Helper()
	var out []weighted
	for line := range strings.Lines(string(unzipped(t, file))) {
		weight, ua, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		w, err := strconv.ParseFloat(weight, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, weighted{ua, w})
	}
	return out
}

// plain is uap-go on the same rules, every expression in turn.
var plain = sync.OnceValues(func() (*uaparser.Parser, error) {
	text, err := gunzip(regexesYAML)
	if err != nil {
		return nil, err
	}
	defs := &uaparser.RegexDefinitions{}
	if err := yaml.Unmarshal(text, defs); err != nil {
		return nil, err
	}
	return uaparser.New(uaparser.WithRegexDefinitions(*defs))
})

func comparePlain(t *testing.T, ua string) {
	t.Helper()
	p, err := plain()
	if err != nil {
		t.Fatal(err)
	}
	r := loaded(t)
	hits := r.filter.Scan(ua)
	defer hits.Release()
	if diff := cmp.Diff(*p.ParseUserAgent(ua), r.browser(ua, hits)); diff != "" {
		t.Errorf("%s\n%s", ua, diff)
	}
	if diff := cmp.Diff(*p.ParseOs(ua), r.system(ua, hits)); diff != "" {
		t.Errorf("%s\n%s", ua, diff)
	}
	if diff := cmp.Diff(*p.ParseDevice(ua), r.device(ua, hits)); diff != "" {
		t.Errorf("%s\n%s", ua, diff)
	}
}

// The reference tries every expression in turn, 1.4 ms a user agent: a sample of uap-core's cases is compared.
func TestFilteredRulesSayWhatPlainUapGoSays(t *testing.T) {
	for _, file := range []string{"test_ua.yaml.gz", "test_os.yaml.gz", "test_device.yaml.gz"} {
		for i, c := range uapCases(t, file) {
			if i%199 == 0 {
				comparePlain(t, c.UA)
			}
		}
	}
	for i, b := range realBrowsers(t) {
		if i%19 == 0 {
			comparePlain(t, b.ua)
		}
	}
}

func FuzzFilteredRulesSayWhatPlainUapGoSays(f *testing.F) {
	f.Add("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36")
	f.Add("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
	f.Add("\u212aindle \u017fpider \xff")
	f.Fuzz(func(t *testing.T, ua string) {
		if len(ua) <= MaxLength {
			comparePlain(t, ua)
		}
	})
}
