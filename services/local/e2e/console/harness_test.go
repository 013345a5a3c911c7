// Package console tests the console as it runs: over HTTP, with ClickHouse's own engine behind it.
package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/console"
	"github.com/waymark-events/waymark/services/local/e2e/inprocess"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

const (
	database = "waymark_us"
	password = "a password of the tests"
)

// Tokens of users: dana sees shop, eve rival, ops both and more; nobody is none's.
const (
	dana = "token-of-dana-0123456789"
	eve  = "token-of-eve-0123456789"
	ops  = "token-of-ops-0123456789"
)

const accountsFile = `accounts:
  - {id: shop, name: The shop, region: us, write_keys: [wk_of_shop], policy: {level: 3}}
  - {id: rival, name: The rival, region: us}
  - {id: away, name: Of another region, region: eu}
`

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// A house is a region's database with rows of two accounts, and a console before it.
type house struct {
	t *testing.T
	*chdbtest.Engine
	cfg     console.Config
	service *inprocess.Service
	url     string
	// as is whose token requests have.
	as string
}

// newHouse starts all of it; change changes the console's settings.
func newHouse(t *testing.T, change ...func(*console.Config)) *house {
	t.Helper()
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	users, err := schema.ReaderFile(
		clickhouse.Reader{User: "analyst_shop", PasswordSHA256: hashOf(password), Account: "shop", Databases: []string{database}},
		clickhouse.Reader{User: "operator", PasswordSHA256: hashOf(password), Operator: true, Databases: []string{database}},
	)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, Engine: chdbtest.Run(t, chdbtest.Options{MoreUsers: users}), as: dana}
	house := clickhouse.DefaultConfig()
	house.Addresses, house.Database = []string{h.NativeAddr}, database
	if _, err := clickhouse.Migrate(deadline(t), house, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile("testdata/rows.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"shop", "rival"} {
		for statement := range strings.SplitSeq(string(rows), ";\n") {
			h.clickhouse(statement, "param_account", account)
		}
	}
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(file, []byte(accountsFile), 0o600); err != nil {
		t.Fatal(err)
	}
	h.cfg = console.DefaultConfig()
	h.cfg.Accounts, h.cfg.SignIn.Mode, h.cfg.SignIn.InsecureCookie = file, console.ModeToken, true
	h.cfg.UserList = &console.UserList{Users: []console.User{
		{Name: "dana", Tokens: []string{hashOf(dana)}, Accounts: []string{"shop"}, ProxyUsers: []string{"dana@shop.example"}},
		{Name: "eve", Tokens: []string{hashOf(eve)}, Accounts: []string{"rival"}, ProxyGroups: []string{"rivals"}},
		{Name: "ops", Tokens: []string{hashOf(ops)}, Accounts: []string{"*"}, Operator: true},
	}, SQL: map[string]console.Analyst{"shop": {User: "analyst_shop", Password: password}}}
	house.User, house.Password = "operator", password // who reads only
	h.cfg.Regions = map[string]console.Region{"us": {ClickHouse: house}}
	h.cfg.Limits.Cache = 0
	h.cfg.Timeouts.Leave = 0
	for _, f := range change {
		f(&h.cfg)
	}
	h.start()
	return h
}

func (h *house) start() {
	h.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	h.cfg.Listener, h.url = listener, "http://"+listener.Addr().String()
	if err := h.cfg.Validate(); err != nil {
		h.t.Fatal(err)
	}
	h.service = inprocess.Start(h.t, "console", func(ctx context.Context, tel telemetry.Telemetry) error { return console.Run(ctx, h.cfg, tel) })
	h.within("ready", func() bool { return h.service.Health.Ready(h.t.Context()) == nil })
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// within waits for a condition.
func (h *house) within(what string, is func() bool) {
	h.t.Helper()
	kafkatest.Wait(h.t, is, "%s", what)
}

// clickhouse asks ClickHouse itself, over HTTP, as who may do everything. Arguments are names and values of the URL.
func (h *house) clickhouse(query string, args ...string) string {
	h.t.Helper()
	values := url.Values{"database": {database}}
	for i := 0; i < len(args); i += 2 {
		values.Set(args[i], args[i+1])
	}
	res, err := http.Post("http://"+h.HTTPAddr+"/?"+values.Encode(), "text/plain", strings.NewReader(query))
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %v %s", query, err, text)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// An answer to a request.
type answer struct {
	status int
	header http.Header
	text   string

	Columns []struct{ Name, Type, Unit string } `json:"columns"`
	Rows    [][]any                             `json:"rows"`
	SQL     string                              `json:"sql"`
	Cached  bool                                `json:"cached"`
	// Truncated and Read are rows_read.
	Truncated bool   `json:"truncated"`
	Read      uint64 `json:"rows_read"`
	Error     struct {
		Code, Parameter, Message string
	} `json:"error"`
	SignIn string `json:"sign_in"`
}

// do sends a request as h.as. Headers are names and values.
func (h *house) do(method, path, body string, headers ...string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(deadline(h.t), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if h.as != "" {
		req.Header.Set("Authorization", "Bearer "+h.as)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, text: string(text)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&a); err != nil {
			h.t.Errorf("%s %s answers no JSON: %v\n%s", method, path, err, text)
		}
	}
	return a
}

func (h *house) get(path string, headers ...string) answer {
	h.t.Helper()
	return h.do(http.MethodGet, path, "", headers...)
}

// ask asks a question, whose parameters are names and values.
func (h *house) ask(question string, parameters ...string) answer {
	h.t.Helper()
	return h.get("/api/ask/" + question + "?" + query(parameters...))
}

func query(parameters ...string) string {
	values := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		values.Add(parameters[i], parameters[i+1])
	}
	return values.Encode()
}

// sql sends a statement to an account's SQL box.
func (h *house) sql(account, statement string, headers ...string) answer {
	h.t.Helper()
	body, err := json.Marshal(map[string]string{"account": account, "sql": statement})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.do(http.MethodPost, "/api/sql", string(body), append([]string{"X-Waymark-Console", "1", "Content-Type", "application/json"}, headers...)...)
}

// refused checks that an answer is an error as API.md has it.
func (h *house) refused(what string, a answer, status int, code string) {
	h.t.Helper()
	if a.status != status || a.Error.Code != code || a.Error.Message == "" {
		h.t.Errorf("%s: %d %s, want %d %s", what, a.status, a.text, status, code)
	}
}
