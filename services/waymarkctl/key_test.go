package waymarkctl

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/account"
)

func keyOf(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = Run(context.Background(), append([]string{"key"}, args...), strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// What is printed can be pasted below an account, and lets the key in.
func TestANewKeyWorksWithTheLinesThatComeWithIt(t *testing.T) {
	seen := make(map[string]bool)
	for _, scope := range []string{"browser", "server", "any"} {
		code, stdout, stderr := keyOf(t, "", "new", "shop", "--scope", scope)
		key, rest, _ := strings.Cut(stdout, "\n")
		lines := rest[strings.Index(rest, "    keys:"):]
		if code != 0 || stderr != "" || len(key) < 32 || seen[key] || strings.Contains(rest, key) {
			t.Fatalf("%d, %q, %q", code, stdout, stderr)
		}
		seen[key] = true
		file := filepath.Join(t.TempDir(), "accounts.yaml")
		if err := os.WriteFile(file, []byte("accounts:\n  - id: shop\n    region: us\n"+lines), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := account.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		if g := d.Grant(key); g == nil || string(g.Key.Scope) != scope {
			t.Errorf("%s: %+v", scope, g)
		}
		if _, hashed, _ := keyOf(t, key+"\r\n", "hash", "--scope", scope); hashed != lines {
			t.Errorf("hash prints %q, new %q", hashed, lines)
		}
	}
}

func TestKeysAreChecked(t *testing.T) {
	for _, c := range []struct{ stdin, args, says string }{
		{"short\n", "hash", "want a write key on standard input"},
		{"", "hash", "want a write key"},
		{"with a blank in it\n", "hash", "want a write key"},
		{"", "new Shop!", "ACCOUNT: want"},
		{"", "new shop --scope admin", "--scope must be one of"},
	} {
		code, stdout, stderr := keyOf(t, c.stdin, strings.Fields(c.args)...)
		if code == 0 || stdout != "" || !strings.Contains(stderr, c.says) || c.stdin != "" && strings.Contains(stderr, strings.TrimSpace(c.stdin)) {
			t.Errorf("%s: %d %q %q", c.args, code, stdout, stderr)
		}
	}
	if _, _, stderr := keyOf(t, "wk_demo_us\n", "hash"); !strings.Contains(stderr, "that key is short") {
		t.Errorf("%q", stderr)
	}
}
