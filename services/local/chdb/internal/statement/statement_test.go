package statement

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFindsInsertsThatTakeData(t *testing.T) {
	for sql, want := range map[string]Statement{
		"INSERT INTO t":                                                           {Insert: &Insert{Head: "INSERT INTO t", Target: "t"}},
		"insert into db.t (a, b) values":                                          {Format: "Values", Insert: &Insert{Head: "insert into db.t (a, b) ", Target: "db.t", Columns: []string{"a", "b"}}},
		"INSERT INTO `d b`.`t``x` (`a b`, c.d) FORMAT Native":                     {Format: "Native", Insert: &Insert{Head: "INSERT INTO `d b`.`t``x` (`a b`, c.d) ", Target: "`d b`.`t``x`", Columns: []string{"a b", "c.d"}}},
		"INSERT INTO t (a) SETTINGS x = 'FORMAT CSV' FORMAT CSV\n1\n;\n":          {Format: "CSV", Insert: &Insert{Head: "INSERT INTO t (a) SETTINGS x = 'FORMAT CSV' ", Target: "t", Columns: []string{"a"}, Data: "1\n;\n"}},
		"-- INSERT INTO x SELECT\nINSERT /* ) */ INTO TABLE t(a)VALUES (1, ');')": {Format: "Values", Insert: &Insert{Head: "-- INSERT INTO x SELECT\nINSERT /* ) */ INTO TABLE t(a)", Target: "t", Columns: []string{"a"}, Data: "(1, ');')"}},
		"INSERT INTO FUNCTION file('a)b', 'CSV') VALUES ":                         {Format: "Values", Insert: &Insert{Head: "INSERT INTO FUNCTION file('a)b', 'CSV') ", Target: "file('a)b', 'CSV')"}},
		"INSERT INTO t (* EXCEPT(a)) VALUES":                                      {Format: "Values", Insert: &Insert{Head: "INSERT INTO t (* EXCEPT(a)) ", Target: "t"}},
		"INSERT INTO values (format) FORMAT TSV\r\n1\r\n":                         {Format: "TSV", Insert: &Insert{Head: "INSERT INTO values (format) ", Target: "values", Columns: []string{"format"}, Data: "1\r\n"}},
		"INSERT INTO t;": {Insert: &Insert{Head: "INSERT INTO t", Target: "t"}},
	} {
		got := Parse(sql)
		want.SQL, want.Verb = sql, "INSERT"
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (- want, + got)\n%s", sql, diff)
		}
	}
}

func TestParseCutsTheFormatOffOtherStatements(t *testing.T) {
	for sql, want := range map[string]Statement{
		"SELECT 1":                                 {SQL: "SELECT 1", Verb: "SELECT"},
		" select 1 format JSON ; -- end":           {SQL: " select 1", Verb: "SELECT", Format: "JSON"},
		"SELECT 1 FORMAT CSV SETTINGS a = 1":       {SQL: "SELECT 1 SETTINGS a = 1", Verb: "SELECT", Format: "CSV"},
		"SELECT 'a FORMAT JSON'":                   {SQL: "SELECT 'a FORMAT JSON'", Verb: "SELECT"},
		"SELECT format FROM t":                     {SQL: "SELECT format FROM t", Verb: "SELECT"},
		"SELECT 1 -- FORMAT JSON":                  {SQL: "SELECT 1", Verb: "SELECT"},
		"SELECT * FROM (SELECT 1 FORMAT x)":        {SQL: "SELECT * FROM (SELECT 1 FORMAT x)", Verb: "SELECT"},
		"((SELECT 1)) UNION ALL (SELECT 2);":       {SQL: "((SELECT 1)) UNION ALL (SELECT 2)", Verb: "SELECT"},
		"SELECT 1; SELECT 2":                       {SQL: "SELECT 1; SELECT 2", Verb: "SELECT"},
		"INSERT INTO t SELECT 1":                   {SQL: "INSERT INTO t SELECT 1", Verb: "INSERT"},
		"INSERT INTO t (a) WITH 1 AS x SELECT x":   {SQL: "INSERT INTO t (a) WITH 1 AS x SELECT x", Verb: "INSERT"},
		"INSERT INTO t FROM INFILE 'x' FORMAT CSV": {SQL: "INSERT INTO t FROM INFILE 'x'", Verb: "INSERT", Format: "CSV"},
		"":            {},
		"((":          {SQL: "(("},
		"'unfinished": {SQL: "'unfinished"},
	} {
		if diff := cmp.Diff(want, Parse(sql)); diff != "" {
			t.Errorf("%q (- want, + got)\n%s", sql, diff)
		}
	}
}

func FuzzParseNeverPanicsAndInventsNothing(f *testing.F) {
	for _, s := range []string{"INSERT INTO t (a, `b`) SETTINGS x=1 FORMAT CSV\n1", "SELECT 1 FORMAT JSON;", "INSERT INTO FUNCTION f(", "/*", "(((", "INSERT INTO a.", "'\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s := Parse(sql)
		if s.Insert != nil && (!strings.HasPrefix(sql, s.Insert.Head) || !strings.Contains(sql, s.Insert.Data) || !strings.Contains(sql, s.Insert.Target)) {
			t.Errorf("%q gives %+v", sql, s.Insert)
		}
		if len(s.SQL) > len(sql) {
			t.Errorf("%q grew to %q", sql, s.SQL)
		}
	})
}
