package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// A listed question, as /api/questions has it.
type listed struct {
	Name, Title, About, SQL string
	Parameters              []struct {
		Name, Type string
		Required   bool
	}
	Columns []struct{ Name, Unit string }
}

func (h *house) questions() []listed {
	h.t.Helper()
	var list struct{ Questions []listed }
	if err := json.Unmarshal([]byte(h.get("/api/questions").text), &list); err != nil || len(list.Questions) < 25 {
		h.t.Fatalf("%d questions: %v", len(list.Questions), err)
	}
	return list.Questions
}

// required are values of the parameters that have no default. {} stands for an account.
var required = map[string]string{"account": "{}", "item": "{}-walkthru", "user": "{}-user-1", "goal": "{} bought", "other_from": "2026-01-01", "other_to": "2026-01-31"}

// parametersOf are those of a question that it cannot do without, and those that further names, of an account.
func parametersOf(t *testing.T, q listed, account string, further map[string]string) []string {
	t.Helper()
	var out []string
	for _, p := range q.Parameters {
		value, given := further[p.Name]
		if !given && p.Required {
			if value, given = required[p.Name], required[p.Name] != ""; !given {
				t.Fatalf("question %s has a parameter %s, of which this test knows no value", q.Name, p.Name)
			}
		}
		if given {
			out = append(out, p.Name, strings.ReplaceAll(value, "{}", account))
		}
	}
	return out
}

func TestEveryQuestionIsAnsweredAsItsFileSays(t *testing.T) {
	h := newHouse(t)
	rows := 0
	for _, q := range h.questions() {
		a := h.ask(q.Name, parametersOf(t, q, "shop", nil)...)
		if a.status != http.StatusOK {
			t.Errorf("%s: %d %s", q.Name, a.status, a.text)
			continue
		}
		var names, want []string
		for _, c := range a.Columns {
			names = append(names, c.Name+" "+c.Unit)
		}
		for _, c := range q.Columns {
			want = append(want, c.Name+" "+c.Unit)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s has columns %q, its file %q", q.Name, names, want)
		}
		for i, c := range a.Columns {
			if wrong := misfit(c.Type, c.Unit); wrong != "" {
				t.Errorf("%s: column %s is %s, %s", q.Name, c.Name, c.Type, wrong)
			}
			for _, row := range a.Rows {
				if rate, is := row[i].(json.Number); is && c.Unit == "rate" {
					if f, err := rate.Float64(); err != nil || f < 0 || f > 1 {
						t.Errorf("%s: %s is %v", q.Name, c.Name, rate)
					}
				}
			}
		}
		rows += len(a.Rows)
		if strings.Contains(a.SQL, "--") || strings.Contains(a.SQL, ":String}") {
			t.Errorf("%s shows as its SQL\n%s", q.Name, a.SQL)
		}
		// What is shown can be pasted, and has the same rows.
		if got := h.clickhouse("SELECT count() FROM (" + a.SQL + ")"); got != fmt.Sprint(len(a.Rows)) {
			t.Errorf("%s: %d rows, and its SQL has %s:\n%s", q.Name, len(a.Rows), got, a.SQL)
		}
	}
	if rows < 10 {
		t.Errorf("%d rows of all questions: there is too little to see anything by", rows)
	}
}

// misfit says what a column of a type cannot be.
func misfit(clickhouseType, unit string) string {
	is := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(clickhouseType, name) })
	}
	fits := map[string]bool{
		"text": is("String"), "users": is("UInt"), "plays": is("UInt"), "count": is("Int"), "rate": is("Float", "Nothing"), "change": is("Float"),
		"seconds": is("Float", "Int"), "days": is("Float", "Int"), "number": is("Float", "Int"), "time": is("DateTime"), "date": clickhouseType == "Date" || clickhouseType == "Nullable(Date)",
		"bool": is("Bool", "UInt8"), "list": is("Array"), "map": is("Map"),
	}
	if !fits[unit] {
		return "and its unit " + unit
	}
	return ""
}

// Whoever asks of another's account is refused, and whoever names another's item or user of their own account sees nothing.
func TestNoQuestionReachesAnotherAccount(t *testing.T) {
	h := newHouse(t)
	for _, q := range h.questions() {
		for _, account := range []string{"rival", "nobody", "away", "SHOP", "shop ", "shop' OR '1'='1", "*"} {
			h.refused(q.Name+" of "+account, h.ask(q.Name, parametersOf(t, q, account, nil)...), http.StatusForbidden, "account")
		}
		for _, theirs := range []map[string]string{
			{"item": "rival-walkthru", "user": "rival-user-1", "search": "rival", "goal": "rival bought"},
			{"item": "rival-survey", "audience": "company:rival-company", "other_audience": "company:rival-company"},
			{"item": "rival-course", "audience": "all", "other_audience": "all"},
		} {
			a := h.ask(q.Name, parametersOf(t, q, "shop", theirs)...)
			if a.status != http.StatusOK {
				t.Errorf("%s with %v: %d %s", q.Name, theirs, a.status, a.text)
			}
			if rows := fmt.Sprint(a.Rows); strings.Contains(rows, "rival") {
				t.Errorf("%s with %v shows %.300s", q.Name, theirs, rows)
			}
		}
	}
}

// Every other endpoint that names an account.
func TestNoEndpointReachesAnotherAccount(t *testing.T) {
	h := newHouse(t)
	for _, account := range []string{"rival", "nobody", "away", "*"} {
		h.refused("SQL", h.sql(account, "SELECT 1"), http.StatusForbidden, "account")
		h.refused("live", h.get("/api/live?account="+url.QueryEscape(account)), http.StatusForbidden, "account")
		h.refused("health", h.get("/api/health-data?account="+url.QueryEscape(account)), http.StatusForbidden, "account")
	}
	for _, path := range []string{"/api/me", "/api/health-data?account=shop"} {
		a := h.get(path)
		if a.status != http.StatusOK || !strings.Contains(a.text, "shop") || strings.Contains(a.text, "rival") {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
	h.as = ops
	if me := h.get("/api/me").text; !strings.Contains(me, `"rival"`) || strings.Contains(me, `"away"`) {
		t.Errorf("who sees all accounts of this console's regions has %s", me)
	}
	h.refused("another region's", h.ask("end_users", "account", "away"), http.StatusServiceUnavailable, "setup")
}

func TestAQuestionNamesTheParameterThatIsWrong(t *testing.T) {
	h := newHouse(t)
	long := strings.Repeat("x", 2000)
	for _, c := range []struct {
		parameter, question string
		query               string
	}{
		{"account", "end_users", ""},
		{"account", "end_users", "account="},
		{"account", "end_users", "account=shop&account=shop"},
		{"account", "end_users", "account=shop&account=rival"},
		{"from", "environments", "account=shop&from=yesterday"},
		{"from", "environments", "account=shop&from=2026-02-30"},
		{"from", "environments", "account=shop&from=2026-11-25T00:00:00Z"},
		{"from", "environments", "account=shop&from=1969-12-31"},
		{"from", "environments", "account=shop&from=2026-01-02&to=2026-01-01"},
		{"from", "environments", "account=shop&from=2020-01-01&to=2026-01-01"},
		{"to", "environments", "account=shop&to=today()"},
		{"to", "environments", "account=shop&to=2200-01-01"},
		{"audience", "sessions_overview", "account=shop&audience=nobody"},
		{"audience", "sessions_overview", "account=shop&audience=country:"},
		{"audience", "sessions_overview", "account=shop&audience=%00live"},
		{"audience", "sessions_overview", "account=shop&audience=country:" + long},
		{"item", "failure_reasons", "account=shop&item=" + long},
		{"item", "failure_reasons", "account=shop&item=%ff"},
		{"item", "failure_reasons", "account=shop&item=a%00b"},
		{"item", "end_users", "account=shop&item=1"},
		{"user", "end_user_profile", "account=shop"},
		{"goal", "guide_effect", "account=shop&item=1"},
		{"item", "walkthru_funnel", "account=shop&item="},
		{"by", "breakdown", "account=shop&by=account_id"},
		{"limit", "end_users", "account=shop&limit=0"},
		{"limit", "end_users", "account=shop&limit=-1"},
		{"limit", "end_users", "account=shop&limit=1e3"},
		{"limit", "end_users", "account=shop&limit=010"},
		{"other_from", "item_compare", "account=shop&item=1"},
		{"format", "end_users", "account=shop&format=xml"},
		{"", "end_users", "account=shop&" + strings.Repeat("y", 200) + "=1"},
		{"", "end_users", "account=shop&%zz"},
	} {
		a := h.get("/api/ask/" + c.question + "?" + c.query)
		h.refused(c.question+"?"+c.query, a, http.StatusBadRequest, "bad_parameter")
		if a.Error.Parameter != c.parameter {
			t.Errorf("%s?%s blames %q, want %q", c.question, c.query, a.Error.Parameter, c.parameter)
		}
		if strings.Contains(a.text, "yyyy") || strings.Contains(a.text, "xxxx") {
			t.Errorf("%s?%s is repeated in the answer", c.question, c.query)
		}
	}
	for _, path := range []string{"/api/ask/", "/api/ask/nothing?account=shop", "/api/ask/..%2fme", "/api/", "/api/x"} {
		h.refused(path, h.get(path), http.StatusNotFound, "not_found")
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		h.refused(method, h.do(method, "/api/ask/end_users?account=shop", "", "X-Waymark-Console", "1"), http.StatusMethodNotAllowed, "method")
	}
}

// Values are no part of the statement, whatever they are, and what is shown for pasting means the same.
func TestAValueStaysAValue(t *testing.T) {
	h := newHouse(t)
	for _, value := range []string{
		"'", "''", `\`, `\'`, `'; DROP TABLE events; --`, "shop' OR account_id = 'rival", "a\nb", "a\tb", "a\rb", "{account:String}", "{x:Identifier}", "@account", "?", "$1", "💥 ünï", "\u202e rtl", `\N`, "NULL", "%", "_", "/*", "*/", "`", `"`,
	} {
		h.clickhouse("INSERT INTO end_user_activity (account_id, user_id, visitor_id, first_seen, last_seen) SELECT 'shop', concat('<', {v:String}, '>'), 'v', now64(3), now64(3)", "param_v", escaped(value))
		a := h.ask("end_users", "account", "shop", "search", "<"+value+">")
		if a.status != http.StatusOK || len(a.Rows) != 1 || a.Rows[0][0] != "<"+value+">" {
			t.Errorf("%q: %d %s", value, a.status, a.text)
			continue
		}
		if got := h.clickhouse("SELECT user_id FROM (" + a.SQL + ") FORMAT JSONCompactEachRow"); !strings.Contains(got, strings.Trim(string(quoted(value)), `"`)) && value != "/*" && value != "*/" {
			t.Errorf("%q: its SQL has %s:\n%s", value, got, a.SQL)
		}
	}
	if got := h.clickhouse("SELECT count() > 100 FROM events"); got != "1" {
		t.Errorf("events are there: %s", got)
	}
}

// escaped is how ClickHouse takes parameters.
func escaped(value string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(value)
}

func quoted(value string) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings can be written
	}
	return text
}
