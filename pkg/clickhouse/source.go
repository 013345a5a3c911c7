package clickhouse

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// A Schema is what a database should have, as the files say that it is made from.
type Schema struct {
	Migrations []Migration
	Views      []View

	parts parts
}

// A Source is one statement as it stands in a file: {{…}} is where servers differ.
type Source struct {
	Name     string
	Text     string
	Checksum string // SHA-256 of the file, hexadecimal: the same on all servers, whatever their parameters

	parts parts
}

// parts are the files parts/name.sql, by name: what several statements have in common, without its comment.
type parts map[string]string

// A Migration is one file NNNN_name.sql: a single statement that can be repeated.
type Migration struct {
	Number uint32
	Source
	// Table is what the statement creates; empty when it does something else.
	Table string
}

// A View is one file views/NN_name.sql: a statement that replaces the view name.
type View struct {
	Source
	// Made is the start of a SHA-256, hexadecimal, of all that the view may read: the migrations, the views before it, and its own file. A view has the
	// columns that were there when it was made, of SELECT * too, so that each of them is a reason to make it again.
	Made string
}

func (v View) mark() mark { return mark{v.Name, v.Made} }

var (
	migrationFile = regexp.MustCompile(`^([0-9]{4})_([a-z0-9_]+)\.sql$`)
	viewFile      = regexp.MustCompile(`^([0-9]{2})_([a-z0-9_]+)\.sql$`)
	partFile      = regexp.MustCompile(`^([a-z0-9_]+)\.sql$`)
	// leadingComment is what a part says of itself, which the statements that it stands in need not repeat.
	leadingComment = regexp.MustCompile(`^(--[^\n]*\n)+`)
	createsTable   = regexp.MustCompile(`(?m)^CREATE TABLE IF NOT EXISTS (\w+)\{\{on_cluster\}\}$`)
)

// Where among the migrations the views are, and what statements have in common.
const (
	viewsFolder = "views"
	partsFolder = "parts"
)

// ReadSchema reads a folder of migrations and its folder of views, each in the order of their numbers, which must be unique. Files of other
// names, parameters that do not exist, and views that setup could not know again are errors.
func ReadSchema(files fs.FS) (Schema, error) {
	var schema Schema
	made := sha256.New()
	common, err := readParts(files, made)
	if err != nil {
		return Schema{}, err
	}
	schema.parts = common
	err = readNumbered(files, ".", migrationFile, "NNNN_name.sql", func(number uint32, source Source) error {
		source.parts = common
		m := Migration{Number: number, Source: source}
		made.Write([]byte(source.Checksum))
		if creates := createsTable.FindStringSubmatch(source.Text); creates != nil {
			m.Table = creates[1]
		}
		schema.Migrations = append(schema.Migrations, m)
		if !strings.Contains(source.Text, "{{on_cluster}}") {
			return errors.New("want {{on_cluster}} behind what the statement creates or alters")
		}
		_, err := m.fill(Tables{}.tableParameters())
		return err
	})
	if err != nil {
		return Schema{}, err
	}
	err = readNumbered(files, viewsFolder, viewFile, "NN_name.sql", func(_ uint32, source Source) error {
		source.parts = common
		made.Write([]byte(source.Checksum))
		v := View{source, hex.EncodeToString(made.Sum(nil))[:16]}
		schema.Views = append(schema.Views, v)
		if begin := "CREATE OR REPLACE VIEW " + v.Name + "{{on_cluster}}"; !strings.Contains(v.Text, begin+" ") && !strings.Contains(v.Text, begin+"\n") {
			return fmt.Errorf("want %s", begin)
		}
		if !strings.Contains(v.Text, "{{mark}}") {
			return errors.New("want {{mark}} in the view's comment")
		}
		_, err := v.fill(Tables{}.viewParameters(v))
		return err
	})
	return schema, err
}

// readParts reads what statements have in common, and writes it to made. A folder that is not there has none.
func readParts(files fs.FS, made io.Writer) (parts, error) {
	entries, err := fs.Glob(files, path.Join(partsFolder, "*"))
	if err != nil {
		return nil, err
	}
	common := make(parts)
	for _, file := range slices.Sorted(slices.Values(entries)) {
		match := partFile.FindStringSubmatch(path.Base(file))
		if match == nil {
			return nil, fmt.Errorf("%s: want name.sql", file)
		}
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		if _, err := made.Write(text); err != nil {
			return nil, err
		}
		common[match[1]] = strings.TrimSpace(leadingComment.ReplaceAllString(string(text), ""))
	}
	return common, nil
}

// readNumbered calls each for the files of a folder, in order. A folder that is not there has none.
func readNumbered(files fs.FS, folder string, name *regexp.Regexp, want string, each func(number uint32, source Source) error) error {
	entries, err := fs.Glob(files, path.Join(folder, "*"))
	if err != nil {
		return err
	}
	last := uint64(0)
	for i, file := range slices.Sorted(slices.Values(entries)) {
		if file == viewsFolder || file == partsFolder {
			continue
		}
		match := name.FindStringSubmatch(path.Base(file))
		if match == nil {
			return fmt.Errorf("%s: want %s", file, want)
		}
		number, err := strconv.ParseUint(match[1], 10, 32)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if i > 0 && number == last {
			return fmt.Errorf("%s: number %d stands twice", file, number)
		}
		last = number
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		if err := each(uint32(number), Source{Name: match[2], Text: string(text), Checksum: hex.EncodeToString(sum[:])}); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// fill returns the source's statement. A parameter that does not exist is an error.
func (s Source) fill(parameters template.FuncMap) (string, error) {
	t, err := template.New(s.Name).Funcs(s.parts.parameters("")).Funcs(parameters).Parse(s.Text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if err := t.Execute(&out, nil); err != nil {
		return "", err
	}
	return strings.TrimRight(strings.TrimSpace(out.String()), ";"), nil
}

// parameters are those that a part is asked for by, and what a part itself may ask for: scope narrows what it reads.
func (p parts) parameters(scope string) template.FuncMap {
	functions := template.FuncMap{"scope": func() string { return scope }}
	functions["part"] = func(name string) (string, error) {
		text, is := p[name]
		if !is {
			return "", fmt.Errorf("there is no part %s", name)
		}
		return Source{Name: name, Text: text}.fill(functions)
	}
	return functions
}

// Part returns what statements have in common under a name. scope is empty, or what narrows the rows that it reads: " AND condition".
func (s Schema) Part(name, scope string) (string, error) {
	return Source{Name: name, Text: `{{part "` + name + `"}}`}.fill(s.parts.parameters(scope))
}

// Statements returns what the schema's sources are with t's parameters, in the order in which setup runs them, database and table of
// migrations among them.
func (s Schema) Statements(database string, t Tables) ([]string, error) {
	t = t.WithDefaults()
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if !identifier.MatchString(database) {
		return nil, errors.New("database: want letters, digits and underscores, at most 64")
	}
	var statements []string
	var failed error
	add := func(source Source, parameters template.FuncMap) {
		statement, err := source.fill(parameters)
		if err != nil && failed == nil {
			failed = err
		}
		statements = append(statements, statement)
	}
	add(databaseSource, t.databaseParameters(database))
	add(migrationsSource, t.tableParameters())
	for _, m := range s.Migrations {
		add(m.Source, t.tableParameters())
	}
	for _, v := range s.Views {
		add(v.Source, t.viewParameters(v))
	}
	return statements, failed
}

// last is the highest number of a migration.
func (s Schema) last() uint32 {
	if len(s.Migrations) == 0 {
		return 0
	}
	return s.Migrations[len(s.Migrations)-1].Number
}

var (
	//go:embed sql/database.sql
	databaseText string
	//go:embed sql/migrations.sql
	migrationsText string
	//go:embed sql/drop_view.sql
	dropViewText string

	databaseSource   = Source{Name: "database", Text: databaseText}
	migrationsSource = Source{Name: "waymark_migrations", Text: migrationsText}
	dropViewSource   = Source{Name: "drop_view", Text: dropViewText}
)
