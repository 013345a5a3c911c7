package account

import (
	"strings"
	"testing"
)

func TestAPolicyIsReadWhole(t *testing.T) {
	d, err := Read(write(t, `accounts:
- id: a
  region: eu
  policy:
    identification: pseudonymised
    level: 3
    environments: {test: {level: 1}, staging.eu: {level: 2}}
    collect_url: true
    collect_path: true
    collect_title: true
    hide: [screen, timezone]
    geo: country
    ip: mask
    ip_at: enricher
    consent: {required: true, purposes: [analytics], ignore_gpc: true, ignore_dnt: true}
    scrubbing: {off: true, keep_query: [tab, "filter[]"]}
    retention_days: 30
`))
	if err != nil {
		t.Fatal(err)
	}
	p := &d.ByID("a").Policy
	if p.LevelIn("production") != Everything || p.LevelIn("Test") != ItemEvents || p.LevelIn("staging.EU") != Page || p.LevelIn("unheard-of") != Everything {
		t.Errorf("levels: %v", p.Environments)
	}
	if p.Retention() != 30 || p.Expiry(1000) != 1000+30*86_400_000 || !p.Hides(Screen) || p.Hides(Browser) || p.Geo != GeoCountry || p.IPAt != AtEnricher {
		t.Errorf("%+v", p)
	}
	if c := p.Consent; !c.Required || c.Purposes[0] != "analytics" || !c.IgnoreGPC || !c.IgnoreDNT || !p.Scrubbing.Off || len(p.Scrubbing.KeepQuery) != 2 {
		t.Errorf("%+v", p)
	}
}

func TestRetention(t *testing.T) {
	for text, want := range map[string]int{"": 365, "1": 1, "forever": 0, "of a later version": 365, "-3": 365} {
		if got := (&Policy{RetentionDays: text}).Retention(); got != want {
			t.Errorf("%q: %d days, want %d", text, got, want)
		}
	}
	if got := (&Policy{RetentionDays: Forever}).Expiry(1); got != 0 {
		t.Errorf("forever ends at %d", got)
	}
}

func TestAPolicyThatIsWrongIsNamedByItsPathAndNotQuoted(t *testing.T) {
	for text, says := range map[string]string{
		"level: 4":                       "policy.level:",
		"level: s3cr3t":                  "level: want a whole number",
		"environments: {S3cr3t: {}}":     "policy.environments:",
		"environments: {test: {}}":       "policy.environments.*.level:",
		"level: 1, collect_url: true":    "policy.level: the page",
		"level: 1, collect_path: true":   "policy.level: the page",
		"collect_title: true, level: 1":  "policy.level: the page",
		"hide: [browser, s3cr3t]":        "policy.hide[1]:",
		"geo: s3cr3t":                    "policy.geo: want one of [none country city]",
		"ip: drop, geo: city":            "policy.geo: a location needs ip: mask",
		"ip: s3cr3t":                     "policy.ip:",
		"ip_at: s3cr3t":                  "policy.ip_at:",
		"retention_days: 0":              "policy.retention_days:",
		"retention_days: s3cr3t":         "policy.retention_days:",
		"retention_days: 36501":          "policy.retention_days:",
		"identification: s3cr3t":         "policy.identification:",
		"consent: {purposes: [a b]}":     "policy.consent.purposes[0]:",
		"scrubbing: {keep_query: ['?']}": "policy.scrubbing.keep_query[0]:",
		"consent: s3cr3t":                "consent: want a mapping",
	} {
		_, err := Read(write(t, "accounts: [{id: a, region: us, policy: {"+text+"}}]"))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", text, err, says)
		}
		if err != nil && strings.Contains(strings.ToLower(err.Error()), "s3cr3t") {
			t.Errorf("%s is quoted: %v", text, err)
		}
	}
}
