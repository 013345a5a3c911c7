package question

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

const file = `-- What?
-- This.
-- And that.
-- Required: item.
SELECT
    a,            -- text
    b AS ` + "`all`" + `, -- users
    max(c) AS c   -- rate
FROM v(account = {account:String}, from = {from:Date}, to = {to:Date}, item = {item:String}, limit = {limit:UInt32}, again = {item:String})
ORDER BY a
`

func TestAFileSaysEverything(t *testing.T) {
	q, err := parse("v", file)
	if err != nil {
		t.Fatal(err)
	}
	if q.Name != "v" || q.Title != "What?" || q.About != "This. And that." {
		t.Errorf("%+v", q)
	}
	if got := strings.Join(q.names(), " "); got != "account from to item limit" {
		t.Errorf("parameters %s", got)
	}
	if !q.Parameters[3].Required || q.Parameters[4].Required {
		t.Error("item alone is required beside the account")
	}
	want := []Column{{"a", "text"}, {"all", "users"}, {"c", "rate"}}
	if len(q.Columns) != 3 || q.Columns[0] != want[0] || q.Columns[1] != want[1] || q.Columns[2] != want[2] || q.UnitOf("all") != "users" || q.UnitOf("none") != "text" {
		t.Errorf("columns %v", q.Columns)
	}
	if !strings.HasPrefix(q.SQL, "SELECT\n    a,\n    b AS `all`,\n    max(c) AS c\nFROM v(") || strings.HasSuffix(q.SQL, "\n") {
		t.Errorf("SQL:\n%s", q.SQL)
	}
}

func TestAFileWithAHoleIsRefused(t *testing.T) {
	for what, change := range map[string][2]string{
		"no title":                {"-- What?\n-- This.\n-- And that.\n-- Required: item.\n", ""},
		"no unit":                 {"    a,            -- text\n", "    a,\n"},
		"no such unit":            {"-- text", "-- words"},
		"no account":              {"{account:String}", "'shop'"},
		"no such parameter":       {"{limit:UInt32}", "{most:UInt32}"},
		"another type":            {"{limit:UInt32}", "{limit:String}"},
		"what is required is not": {"Required: item.", "Required: user."},
		"no FROM":                 {"\nFROM ", " FROM "},
	} {
		if !strings.Contains(file, change[0]) {
			t.Fatalf("%s: nothing to change", what)
		}
		if q, err := parse("v", strings.ReplaceAll(file, change[0], change[1])); err == nil {
			t.Errorf("%s: %+v", what, q)
		}
	}
}

func TestWhatIsLeftOutHasADefault(t *testing.T) {
	q, err := parse("v", file)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 23, 30, 0, 0, time.FixedZone("", -5*3600)) // the second of March, in UTC
	values, err := q.Values(url.Values{"account": {"shop"}, "item": {"7"}}, now)
	if err != nil || values["to"] != "2026-03-02" || values["from"] != "2026-02-03" || values["limit"] != "200" {
		t.Errorf("%v %v", values, err)
	}
	values, err = q.Values(url.Values{"account": {"shop"}, "item": {"7"}, "to": {"2024-02-29"}}, now)
	if err != nil || values["from"] != "2024-02-02" {
		t.Errorf("28 days up to the last one: %v %v", values, err)
	}
	if _, err := q.Values(url.Values{"account": {"shop"}, "item": {"7"}, "from": {"2026-03-03"}}, now); !isAbout(err, "from") {
		t.Errorf("after today: %v", err)
	}
	if _, err := q.Values(url.Values{"account": {"shop"}, "item": {""}}, now); !isAbout(err, "item") {
		t.Errorf("what is required, empty: %v", err)
	}
}

func isAbout(err error, parameter string) bool {
	var wrong *Error
	return errors.As(err, &wrong) && wrong.Parameter == parameter
}

func TestShownValuesAreQuoted(t *testing.T) {
	q, err := parse("v", file)
	if err != nil {
		t.Fatal(err)
	}
	got := q.Shown(map[string]string{"account": "a", "from": "2026-01-01", "to": "2026-01-02", "item": `{to:Date}' \`, "limit": "5"})
	if !strings.Contains(got, `v(account = 'a', from = '2026-01-01', to = '2026-01-02', item = '{to:Date}\' \\', limit = 5, again = '{to:Date}\' \\')`) {
		t.Errorf("%s", got)
	}
}

// A literal ends where it should: whatever a value has, there is one quote at each end that is not escaped.
func FuzzQuote(f *testing.F) {
	for _, value := range []string{"", "'", `\`, `\'`, "''", `a\`, "a\x00b\n"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		literal := Quote(value)
		var read strings.Builder
		for i := 1; i < len(literal)-1; i++ {
			c := literal[i]
			if c == '\'' {
				t.Fatalf("%q ends early: %s", value, literal)
			}
			if c == '\\' {
				i++
				if i == len(literal)-1 {
					t.Fatalf("%q escapes its end: %s", value, literal)
				}
				escapes := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '0': 0}
				if c = literal[i]; escapes[c] != 0 || c == '0' {
					c = escapes[c]
				}
			}
			read.WriteByte(c)
		}
		if literal[0] != '\'' || literal[len(literal)-1] != '\'' || read.String() != value {
			t.Fatalf("%q is read as %q", value, read.String())
		}
	})
}

// Every question of the contract is there; a test of the whole asks them.
func TestQuestionsHaveTitlesThatAsk(t *testing.T) {
	if len(All) < 30 {
		t.Errorf("%d questions", len(All))
	}
	for _, q := range Sorted() {
		if !strings.HasSuffix(q.Title, "?") || !strings.HasSuffix(q.About, ".") || len(q.Columns) == 0 {
			t.Errorf("%s: %q, %q", q.Name, q.Title, q.About)
		}
	}
}
