package waymarkctl

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func analyst(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = Run(context.Background(), append([]string{"analyst"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// The password is on standard error, so that the rest can be piped to ClickHouse, which learns its hash alone.
func TestANewAnalystHasAPasswordThatNothingElseShows(t *testing.T) {
	for _, format := range []string{"sql", "xml"} {
		code, stdout, stderr := analyst(t, "new", "shop", "--region", "us", "--format", format)
		said := strings.Fields(stderr)
		if code != 0 || len(said) == 0 {
			t.Fatalf("%d, %q, %q", code, stdout, stderr)
		}
		password := said[len(said)-1]
		hash := sha256.Sum256([]byte(password))
		if len(password) < 32 || strings.Contains(stdout, password) || !strings.Contains(stdout, hex.EncodeToString(hash[:])) {
			t.Errorf("%s: password %q, and:\n%s", format, password, stdout)
		}
		if !strings.Contains(stdout, "analyst_shop") || !strings.Contains(stdout, "account_id = 'shop'") || !strings.Contains(stdout, "waymark_us") {
			t.Errorf("%s is not for analyst_shop in region us:\n%s", format, stdout)
		}
		if format != "xml" {
			continue
		}
		for dec := xml.NewDecoder(strings.NewReader(stdout)); ; {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAnUpgradeLeavesThePasswordAsItIs(t *testing.T) {
	_, made, _ := analyst(t, "new", "shop", "--region", "eu", "--user", "ann")
	code, rights, stderr := analyst(t, "new", "shop", "--region", "eu", "--user", "ann", "--same-password")
	if code != 0 || stderr != "" || strings.Contains(rights, "IDENTIFIED") {
		t.Fatalf("%d, %q, %q", code, rights, stderr)
	}
	for line := range strings.SplitSeq(rights, "\n") {
		if !strings.HasPrefix(line, "ALTER USER") && !strings.Contains(made, line) {
			t.Errorf("only the upgrade has: %s", line)
		}
	}
}

func TestAnOperatorHasNoRowPolicies(t *testing.T) {
	code, stdout, _ := analyst(t, "operator", "grafana", "--region", "us")
	if code != 0 || strings.Contains(stdout, "ROW POLICY") || !strings.Contains(stdout, "SELECT ON system.parts") {
		t.Errorf("%d:\n%s", code, stdout)
	}
}

func TestAnalystsNamesAreChecked(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"new", "a' OR 1", "--region", "us"}, "ACCOUNT: want"},
		{[]string{"new", "shop", "--region", "us", "--user", "Robert'); --"}, "user: want"},
		{[]string{"new", "", "--region", "us"}, "ACCOUNT: want"},
		{[]string{"new", "shop", "--region", "us", "--same-password", "--format", "xml"}, "a users file needs a password"},
		{[]string{"operator", "1", "--region", "us"}, "user: want"},
		{[]string{"new", "shop"}, "--region is needed"},
		{[]string{"new", "shop", "--region", "us", "--format", "json"}, "--format must be one of"},
	} {
		if code, stdout, stderr := analyst(t, c.args...); code == 0 || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%q: %d, %q, %q", c.args, code, stdout, stderr)
		}
	}
}
