package policy

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/schemas"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// accounts as different as they can be, each with a page of its own beside it.
const accounts = `accounts:
- {id: strictest, region: eu, policy: {level: 1, ip: drop}}
- id: usual
  name: An ordinary customer
  region: us
  policy:
    {identification: pseudonymised, level: 3, environments: {test: {level: 1}, staging: {level: 2}}, collect_url: true, collect_title: true, geo: city, ip: mask,
     consent: {required: true, purposes: [analytics]}, scrubbing: {keep_query: [tab, view]}, hide: [screen, browser_version]}
- id: open
  region: us
  policy:
    {identification: crm, level: 3, collect_url: true, collect_title: true, geo: city, ip: mask, ip_at: enricher, consent: {ignore_gpc: true, ignore_dnt: true}, scrubbing: {off: true},
     retention_days: forever}
- id: hashed
  region: eu
  policy: {identification: hashed, level: 2, collect_path: true, geo: country, ip: mask, ip_at: enricher, consent: {required: true}, scrubbing: {keep_query: ['*']}, retention_days: 30, hide: [session, company]}
`

func TestPages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	directory, err := account.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range directory.Accounts() {
		topics, err := schemas.Topics(a.Region)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := (Page{Account: a, Topics: topics, Database: "waymark"}).Write(&got); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", a.ID+".txt")
		if *rewrite {
			if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s: %s", a.ID, diff)
		}
	}
}
