// Package access tests what readers of ClickHouse's may see and do, and that the tools they come with work: on ClickHouse's own handlers, with the users
// that waymarkctl analyst prints.
package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

const (
	database = "waymark_us"
	password = "a password of the tests"
)

// asServers is what the configuration that ClickHouse's packages and images come with says of rights, and the engine's own defaults do not.
const asServers = `<access_control_improvements>
  <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
  <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
</access_control_improvements>`

// A house is a server with the database of a region, rows of two accounts, and their readers.
type house struct {
	t *testing.T
	*chdbtest.Engine
}

// readers are an analyst for each of the two accounts, and an operator.
func readers() []clickhouse.Reader {
	sum := sha256.Sum256([]byte(password))
	hash := hex.EncodeToString(sum[:])
	return []clickhouse.Reader{
		{User: "analyst_shop", PasswordSHA256: hash, Account: "shop", Databases: []string{database}},
		{User: "analyst_rival", PasswordSHA256: hash, Account: "rival", Databases: []string{database}},
		{User: "operator", PasswordSHA256: hash, Operator: true, Databases: []string{database}},
	}
}

func schema(t *testing.T) clickhouse.Schema {
	t.Helper()
	s, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newHouse starts a server whose readers' users file is changed by change.
func newHouse(t *testing.T, change ...func(users string) string) *house {
	t.Helper()
	users, err := schema(t).ReaderFile(readers()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		users = f(users)
	}
	h := &house{t, chdbtest.Run(t, chdbtest.Options{MoreUsers: users, Server: asServers})}
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{h.NativeAddr}, database
	if _, err := clickhouse.Migrate(deadline(t), cfg, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile("testdata/rows.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"shop", "rival"} {
		for statement := range strings.SplitSeq(string(rows), ";\n") {
			if strings.TrimSpace(statement) != "" {
				h.ask(admin, statement, "param_account", account)
			}
		}
	}
	return h
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// admin may do everything.
const admin = ""

// try asks as user over HTTP. Arguments are names and values of the URL: settings, and parameters as param_name.
func (h *house) try(user, query string, args ...string) (answer string, ok bool) {
	h.t.Helper()
	values := url.Values{"database": {database}}
	for i := 0; i < len(args); i += 2 {
		values.Set(args[i], args[i+1])
	}
	req, err := http.NewRequestWithContext(deadline(h.t), http.MethodPost, "http://"+h.HTTPAddr+"/?"+values.Encode(), strings.NewReader(query))
	if err != nil {
		h.t.Fatal(err)
	}
	if user != admin {
		req.SetBasicAuth(user, password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n"), res.StatusCode == http.StatusOK
}

// ask is try, which must succeed.
func (h *house) ask(user, query string, args ...string) string {
	h.t.Helper()
	answer, ok := h.try(user, query, args...)
	if !ok {
		h.t.Fatalf("%s as %q: %s", query, user, answer)
	}
	return answer
}

// refuses asks what must fail with a sentence that has says.
func (h *house) refuses(user, query, says string, args ...string) {
	h.t.Helper()
	answer, ok := h.try(user, query, args...)
	if ok || !strings.Contains(answer, says) {
		h.t.Errorf("%s %q as %s: %q, want an error with %q", query, args, user, answer, says)
	}
}
