package answers

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
)

// A question is what one view is asked.
type question struct{ name, sql string }

var (
	parameter = regexp.MustCompile(`\{(\w+):\s*(\w+)\}`)
	included  = regexp.MustCompile(`\{\{part "(\w+)"`)
)

// asked are the questions of views that others build on, which nobody asks for all of their rows.
//
//go:embed sql/view_*.sql
var asked embed.FS

// questions are all views with parameters, each asked for all that it has, in the order of their files.
func questions() (out []question, err error) {
	files, err := fs.Glob(schemas.Migrations(), "views/*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		all, err := whole(file)
		if err != nil {
			return nil, err
		}
		var arguments []string
		for _, p := range parameter.FindAllStringSubmatch(all, -1) {
			if argument := fmt.Sprintf("%s = {%s:%s}", p[1], p[1], p[2]); !slices.Contains(arguments, argument) {
				arguments = append(arguments, argument)
			}
		}
		if len(arguments) == 0 {
			continue
		}
		_, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
		q := question{name, "SELECT * FROM " + name + "(" + strings.Join(arguments, ", ") + ")"}
		if text, err := asked.ReadFile("sql/view_" + name + ".sql"); err == nil {
			q.sql = string(text)
		}
		out = append(out, q)
	}
	return out, nil
}

// whole is a file's text and, behind it, that of its parts and of theirs.
func whole(file string) (string, error) {
	text, err := fs.ReadFile(schemas.Migrations(), file)
	if err != nil {
		return "", err
	}
	all := string(text)
	for _, part := range included.FindAllStringSubmatch(all, -1) {
		more, err := whole("parts/" + part[1] + ".sql")
		if err != nil {
			return "", err
		}
		all += more
	}
	return all, nil
}

func namedAccount(account string) any { return clickhouse.Named("account", account) }
