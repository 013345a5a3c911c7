// Package migrations tests how a region's tables and views are made, against ClickHouse's own engine.
package migrations

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// A house is a database that is migrated.
type house struct {
	t   testing.TB
	cfg clickhouse.Config
}

// newHouse is an empty database of the test's own.
func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseIn(t, chdbtest.Start(t))
}

func newHouseIn(t testing.TB, server chdbtest.Server) *house {
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{server.NativeAddr}, server.Database
	return &house{t, cfg}
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// setup migrates, which must succeed, and returns what it changed.
func (h *house) setup(files fs.FS) string {
	h.t.Helper()
	report, err := clickhouse.Migrate(deadline(h.t), h.cfg, clickhouse.Tables{}, files)
	if err != nil {
		h.t.Fatal(err)
	}
	if len(report.Notes) > 0 {
		h.t.Errorf("notes: %q", report.Notes)
	}
	return strings.Join(report.Changes, "\n")
}

// refuses migrates, which must fail with a sentence for the operator, and change nothing.
func (h *house) refuses(t clickhouse.Tables, files fs.FS, says ...string) {
	h.t.Helper()
	before := h.tables()
	report, err := clickhouse.Migrate(deadline(h.t), h.cfg, t, files)
	var refused *clickhouse.SchemaError
	if !errors.As(err, &refused) {
		h.t.Fatalf("got %v, want a *SchemaError", err)
	}
	for _, word := range says {
		if !strings.Contains(err.Error(), word) {
			h.t.Errorf("%q does not say %q", err, word)
		}
	}
	if len(report.Changes) > 0 || h.tables() != before {
		h.t.Errorf("it changed %q:\n%s\nbefore:\n%s", report.Changes, h.tables(), before)
	}
}

// tables is all that the database has, as statements, without their UUIDs.
func (h *house) tables() string {
	return h.ask("SELECT name, create_table_query FROM system.tables WHERE database = '" + h.cfg.Database + "' ORDER BY name")
}

func (h *house) connect() *clickhouse.Conn {
	h.t.Helper()
	cfg := h.cfg
	cfg.User, cfg.Password = "default", ""
	cfg.Database = "default"
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	return conn
}

// exec runs a statement in which $ stands for the database.
func (h *house) exec(statement string) {
	h.t.Helper()
	conn := h.connect()
	defer conn.Close()
	if err := conn.Exec(deadline(h.t), strings.ReplaceAll(statement, "$", h.cfg.Database)); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

// ask returns a query's rows as lines of words.
func (h *house) ask(query string, args ...any) string {
	h.t.Helper()
	conn := h.connect()
	defer conn.Close()
	var lines []string
	err := conn.Query(deadline(h.t), strings.ReplaceAll(query, "$", h.cfg.Database), func(_ []string, values []any) error {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintln(values...), "\n"))
		return nil
	}, args...)
	if err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(lines, "\n")
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// ours is a copy of the schema of this version, with files changed or added; a nil one is taken away.
func ours(t testing.TB, changed fstest.MapFS) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(schemas.Migrations(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(schemas.Migrations(), path)
		files[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, file := range changed {
		if files[path] = file; file == nil {
			delete(files, path)
		}
	}
	return files
}

// first is what the first setup of a database changes, and allReplaced what one does that finds each view to be another: a line for each file of
// schemas/clickhouse, in the order of their names.
var first, allReplaced = func() (string, string) {
	var made, replaced []string
	for _, line := range []struct{ pattern, done, again string }{{"*.sql", "migration %s applied", ""}, {"views/*.sql", "view %s made", "view %s replaced"}} {
		files, err := fs.Glob(schemas.Migrations(), line.pattern)
		if err != nil || len(files) == 0 {
			panic(fmt.Sprintf("no file is %s: %v", line.pattern, err)) // TestMain would say no more
		}
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".sql")
			if line.again == "" {
				made = append(made, fmt.Sprintf(line.done, name))
				continue
			}
			name = name[len("NN_"):]
			made, replaced = append(made, fmt.Sprintf(line.done, name)), append(replaced, fmt.Sprintf(line.again, name))
		}
	}
	return strings.Join(made, "\n"), strings.Join(replaced, "\n")
}()

// migrationCount is how many migrations a set-up database records.
func migrationCount() string { return strconv.Itoa(strings.Count(first, "migration ")) }
