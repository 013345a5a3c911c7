// Package question is what the console can ask: each question is a file sql/NAME.sql, one SELECT of an account's figures.
//
// The file says everything. Its first comment line is the question's title, those after it what the figures mean; a line "Required: item." names parameters
// that have a default elsewhere, and none here. Each column has its unit behind it, and what stands as {name:Type} is a parameter.
package question

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

//go:embed sql/*.sql
var files embed.FS

// A Question is one file.
type Question struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	// About says what the figures mean.
	About string `json:"about"`
	// Parameters, in the order in which they stand in SQL.
	Parameters []Parameter `json:"parameters"`
	Columns    []Column    `json:"columns"`
	// SQL has no comments; {name:Type} stands for a parameter.
	SQL string `json:"sql"`
}

// A Column of a question's answer.
type Column struct {
	Name string `json:"name"`
	// Unit is one of Units.
	Unit string `json:"unit"`
}

// Units are what a column's values are.
var Units = []string{"text", "users", "plays", "count", "rate", "change", "seconds", "days", "number", "time", "date", "bool", "list", "map"}

var (
	comment     = regexp.MustCompile(`(?m)^-- ?(.*)\n`)
	columnLine  = regexp.MustCompile("(?m)^    .*?`?([a-z0-9_]+)`?,? +-- ([a-z]+)$")
	unitComment = regexp.MustCompile(`(?m) +-- [a-z]+$`)
	placeholder = regexp.MustCompile(`\{([a-z_]+):([A-Za-z0-9]+)\}`)
)

// All are the questions, by name.
var All = func() map[string]*Question {
	all, err := read(files)
	if err != nil {
		panic(err) // the files are part of the program
	}
	return all
}()

// Sorted are the questions in the order of their names.
func Sorted() []*Question {
	var out []*Question
	for _, q := range All {
		out = append(out, q)
	}
	slices.SortFunc(out, func(a, b *Question) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func read(files fs.FS) (map[string]*Question, error) {
	names, err := fs.Glob(files, "sql/*.sql")
	if err != nil {
		return nil, err
	}
	all := make(map[string]*Question)
	for _, file := range names {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		q, err := parse(strings.TrimSuffix(strings.TrimPrefix(file, "sql/"), ".sql"), string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all[q.Name] = q
	}
	return all, nil
}

// parse reads one file. A column without a unit, and a parameter that nobody checks, are errors.
func parse(name, text string) (*Question, error) {
	head, statement, found := strings.Cut(text, "SELECT\n")
	said := comment.FindAllStringSubmatch(head, -1)
	if !found || len(said) < 2 {
		return nil, fmt.Errorf("want a title, what it is about, and SELECT")
	}
	q := &Question{Name: name, Title: said[0][1], SQL: "SELECT\n" + strings.TrimRight(unitComment.ReplaceAllString(statement, ""), "\n")}
	var about, needed []string
	for _, line := range said[1:] {
		if list, is := strings.CutPrefix(line[1], "Required: "); is {
			needed = strings.Split(strings.TrimSuffix(list, "."), ", ")
			continue
		}
		about = append(about, line[1])
	}
	q.About = strings.Join(about, " ")
	list, _, found := strings.Cut(statement, "\nFROM ")
	if !found {
		return nil, fmt.Errorf("want FROM on a line of its own")
	}
	for _, line := range columnLine.FindAllStringSubmatch(list, -1) {
		if !slices.Contains(Units, line[2]) {
			return nil, fmt.Errorf("column %s: %q is no unit", line[1], line[2])
		}
		q.Columns = append(q.Columns, Column{line[1], line[2]})
	}
	if lines := strings.Count(list, "\n") + 1; lines != len(q.Columns) {
		return nil, fmt.Errorf("%d of %d columns have a unit", len(q.Columns), lines)
	}
	for _, match := range placeholder.FindAllStringSubmatch(q.SQL, -1) {
		if slices.ContainsFunc(q.Parameters, func(p Parameter) bool { return p.Name == match[1] }) {
			continue
		}
		p, known := parameters[match[1]]
		if !known || p.sqlType != match[2] {
			return nil, fmt.Errorf("parameter %s of type %s is none that is known", match[1], match[2])
		}
		if at := slices.Index(needed, p.Name); at >= 0 {
			p.Required, p.Default = true, ""
			needed = slices.Delete(needed, at, at+1)
		}
		q.Parameters = append(q.Parameters, p)
	}
	if len(needed) > 0 {
		return nil, fmt.Errorf("%s: required, and no parameter of the statement", needed[0])
	}
	if !slices.ContainsFunc(q.Parameters, func(p Parameter) bool { return p.Name == Account }) {
		return nil, fmt.Errorf("want {account:String}: every question is of one account")
	}
	return q, nil
}

// UnitOf is the unit of the column by that name, text when there is none.
func (q *Question) UnitOf(name string) string {
	for _, c := range q.Columns {
		if c.Name == name {
			return c.Unit
		}
	}
	return "text"
}
