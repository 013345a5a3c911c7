//go:build browser

package browser

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local"
)

// Accounts that differ by what identifies their end users or by what consent they ask for, and the one of the shop at /.
const accounts = `accounts:
  - {id: demo-us, region: us, write_keys: [wk_demo_us], policy: {identification: variable, collect_url: true, collect_title: true}}
  - {id: shop, region: us, write_keys: [wk_shop_page], policy: {identification: variable, collect_url: true, collect_title: true, scrubbing: {keep_query: ['*']}}}
  - {id: by-cookie, region: us, write_keys: [wk_by_cookie], policy: {identification: cookie, collect_url: true, collect_title: true}}
  - {id: with-consent, region: us, write_keys: [wk_with_consent], policy: {identification: variable, consent: {required: true}}}
  - {id: for-ads, region: us, write_keys: [wk_for_ads], policy: {identification: variable, consent: {required: true, purposes: [ads]}}}
  - {id: by-element, region: us, write_keys: [wk_by_element], policy: {identification: element, collect_url: true, collect_title: true}}
`

func start(t *testing.T, accounts string) *local.Pipeline {
	t.Helper()
	cfg := local.DefaultConfig()
	cfg.Data, cfg.Geo = t.TempDir(), "made"
	cfg.Edge, cfg.Console, cfg.Kafka, cfg.ClickHouseNative, cfg.ClickHouseHTTP, cfg.Admin = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Accounts = filepath.Join(cfg.Data, "accounts.yaml")
	if err := os.WriteFile(cfg.Accounts, []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p, err := local.Start(ctx, cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

var count = regexp.MustCompile(`(?m)^ℹ pass (\d+)$`)

// Each claim of docs/sending.md about the recorder is a test in test/. BROWSER_TESTS=tabs runs one file of them, BROWSER_TEST_NAME those
// whose names match.
func TestRecorderInChromium(t *testing.T) {
	p := start(t, accounts)
	node(t, "test", 3, "EDGE=http://"+p.Addresses.Edge, "CLICKHOUSE=http://"+p.Addresses.ClickHouseHTTP, "DATABASE="+local.Database("us"))
}

// node runs the tests of a folder, so many files at once, with further variables.
func node(t *testing.T, folder string, atOnce int, variables ...string) {
	t.Helper()
	args := []string{"--test", "--test-concurrency=" + strconv.Itoa(atOnce), "--test-reporter=spec", "--test-timeout=240000"}
	if name := os.Getenv("BROWSER_TEST_NAME"); name != "" {
		args = append(args, "--test-name-pattern="+name)
	}
	pattern := "*"
	if only := os.Getenv("BROWSER_TESTS"); only != "" {
		pattern = only
	}
	all, err := filepath.Glob("*/" + pattern + ".test.mjs")
	if err != nil || len(all) == 0 {
		t.Fatalf("no tests in */%s.test.mjs: %v", pattern, err)
	}
	files := slices.DeleteFunc(all, func(file string) bool { return filepath.Dir(file) != folder })
	if len(files) == 0 {
		return // the other folder has the file that was asked for
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append(args, files...)...)
	cmd.Env = append(os.Environ(), variables...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, &said), os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if passed := count.FindSubmatch(said.Bytes()); passed == nil || string(passed[1]) == "0" {
		t.Error("node ran no test")
	}
}
