package clickhouse

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// small is a schema of two migrations and two views.
func small() fstest.MapFS {
	return fstest.MapFS{
		"0002_b.sql":       file("ALTER TABLE a{{on_cluster}} ADD COLUMN IF NOT EXISTS n UInt8;\n"),
		"0001_a.sql":       file("-- first\nCREATE TABLE IF NOT EXISTS a{{on_cluster}}\n(x UInt8)\nENGINE = {{engine \"MergeTree\"}}\nORDER BY x\nSETTINGS {{deduplication_window 5}}"),
		"views/10_one.sql": file("CREATE OR REPLACE VIEW one{{on_cluster}} AS SELECT * FROM a COMMENT 'One {{mark}}'"),
		"views/20_two.sql": file("CREATE OR REPLACE VIEW two{{on_cluster}} AS SELECT * FROM one COMMENT 'Two {{mark}}'"),
	}
}

func read(t *testing.T, files fstest.MapFS) Schema {
	t.Helper()
	schema, err := ReadSchema(files)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestASchemaIsReadInOrder(t *testing.T) {
	got := read(t, small())
	if len(got.Migrations) != 2 || got.Migrations[0].Name != "a" || got.Migrations[0].Table != "a" || got.Migrations[1].Number != 2 || got.Migrations[1].Table != "" || got.last() != 2 {
		t.Errorf("migrations %+v", got.Migrations)
	}
	if len(got.Views) != 2 || got.Views[0].Name != "one" || got.Views[1].Name != "two" {
		t.Errorf("views %+v", got.Views)
	}
	statements, err := got.Statements("waymark", Tables{})
	if err != nil || len(statements) != 6 || statements[3] != "ALTER TABLE a ADD COLUMN IF NOT EXISTS n UInt8" {
		t.Errorf("statements %q, %v", statements, err)
	}
}

func TestReadSchemaRefuses(t *testing.T) {
	for says, files := range map[string]fstest.MapFS{
		"0001_b.sql: number 1 stands twice":   {"0001_a.sql": file("x{{on_cluster}}"), "0001_b.sql": file("y{{on_cluster}}")},
		"first.sql: want NNNN_name.sql":       {"first.sql": file("x{{on_cluster}}")},
		"0001_a.sql: want {{on_cluster}}":     {"0001_a.sql": file("CREATE TABLE IF NOT EXISTS a (x UInt8)")},
		`function "onCluster" not defined`:    {"0001_a.sql": file("CREATE TABLE a{{on_cluster}} {{onCluster}}")},
		"want one of the MergeTree family":    {"0001_a.sql": file(`CREATE TABLE a{{on_cluster}} ENGINE = {{engine "Log"}}`)},
		"as one server has it":                {"0001_a.sql": file(`CREATE TABLE a{{on_cluster}} ENGINE = {{engine "ReplicatedMergeTree"}}`)},
		"views/10_b.sql: number 10 stands":    {"views/10_a.sql": file("CREATE OR REPLACE VIEW a{{on_cluster}} AS SELECT 1 COMMENT '{{mark}}'"), "views/10_b.sql": file("")},
		"views/1_a.sql: want NN_name.sql":     {"views/1_a.sql": file("")},
		"want CREATE OR REPLACE VIEW a{{on_c": {"views/10_a.sql": file("CREATE OR REPLACE VIEW b{{on_cluster}} AS SELECT 1 COMMENT '{{mark}}'")},
		"want {{mark}} in the view's comment": {"views/10_a.sql": file("CREATE OR REPLACE VIEW a{{on_cluster}} AS SELECT 1")},
		`function "engine" not defined`:       {"views/10_a.sql": file("CREATE OR REPLACE VIEW a{{on_cluster}} AS SELECT 1 COMMENT '{{mark}} {{engine}}'")},
	} {
		if _, err := ReadSchema(files); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want an error that says %q", err, says)
		}
	}
}

// A view of SELECT * keeps the columns that there were: whatever it may read is a reason to make it again.
func TestAViewIsOfAllThatItMayRead(t *testing.T) {
	before := read(t, small())
	for changed, want := range map[string][2]bool{"0002_b.sql": {true, true}, "views/10_one.sql": {true, true}, "views/20_two.sql": {false, true}} {
		files := maps.Clone(small())
		files[changed] = file(string(files[changed].Data) + "\n")
		after := read(t, files)
		for i, view := range after.Views {
			if is := view.Made != before.Views[i].Made; is != want[i] {
				t.Errorf("%s was changed: view %s is made again: %v", changed, view.Name, is)
			}
		}
	}
}

func TestAMarkIsOfItsOwnViewOnly(t *testing.T) {
	comment := "One " + read(t, small()).Views[0].mark().String()
	if got := readMark("one", comment); got == nil || *got != read(t, small()).Views[0].mark() {
		t.Errorf("read back %v", got)
	}
	for name, comment := range map[string]string{"copy": comment, "one": "One", "two": "[waymarkctl: two 0123]"} {
		if got := readMark(name, comment); got != nil {
			t.Errorf("%q of %s is taken for a mark", comment, name)
		}
	}
}

// A part is narrowed wherever it stands within another.
func TestAPartIsNarrowed(t *testing.T) {
	schema, err := ReadSchema(fstest.MapFS{
		"parts/rows.sql":  {Data: []byte("-- What rows are.\nSELECT 1 WHERE 1{{scope}}\n")},
		"parts/outer.sql": {Data: []byte("SELECT * FROM ({{part \"rows\"}})\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ part, scope, want string }{
		{"rows", "", "SELECT 1 WHERE 1"},
		{"rows", " AND 2", "SELECT 1 WHERE 1 AND 2"},
		{"outer", " AND 2", "SELECT * FROM (SELECT 1 WHERE 1 AND 2)"},
	} {
		if got, err := schema.Part(c.part, c.scope); got != c.want || err != nil {
			t.Errorf("part %s with %q is %q, %v; want %q", c.part, c.scope, got, err, c.want)
		}
	}
	if _, err := schema.Part("missing", ""); err == nil {
		t.Error("there is a part that no file has")
	}
}
