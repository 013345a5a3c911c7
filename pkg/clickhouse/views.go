package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// A mark is in the comment of each view that setup makes, and says what it was made from. It is part of the view's own statement, so that there is
// no view without it and none of it without the view, on each replica for itself. The name is in it since a comment may be copied into a view of
// somebody else's.
type mark struct {
	view     string
	checksum string // the view's
}

var markOf = regexp.MustCompile(`\[waymarkctl: ([a-z0-9_]+) ([0-9a-f]{16})\]`)

func (m mark) String() string { return "[waymarkctl: " + m.view + " " + m.checksum + "]" }

// readMark finds the mark in a comment of the view name. It is nil when somebody else made the view.
func readMark(name, comment string) *mark {
	match := markOf.FindStringSubmatch(comment)
	if match == nil || match[1] != name {
		return nil
	}
	return &mark{match[1], match[2]}
}

// lookAtViews returns the marks of the views that setup has made, by name. CREATE OR REPLACE VIEW would replace whatever has the name, a table
// with its rows too: what setup did not make is a *SchemaError.
func (m *migrator) lookAtViews(ctx context.Context) (map[string]mark, error) {
	made := make(map[string]mark)
	err := m.conn.Query(ctx, "SELECT name, engine, comment FROM system.tables WHERE database = currentDatabase()", func(_ []string, values []any) error {
		name, engine := fmt.Sprint(values[0]), fmt.Sprint(values[1])
		if mark := readMark(name, fmt.Sprint(values[2])); mark != nil && engine == "View" {
			made[name] = *mark
			return nil
		}
		if m.isOurs(name) {
			return m.schemaError("%s is a %s that setup did not make, and it would be lost: rename it, and run setup again", name, engine)
		}
		return nil
	})
	return made, err
}

func (m *migrator) isOurs(name string) bool {
	return slices.ContainsFunc(m.schema.Views, func(v View) bool { return v.Name == name })
}

// replaceViews makes the views that are missing or were made from something else, and drops those that setup has made and no file has any more. On
// a cluster each is made again, since another server may lack it.
func (m *migrator) replaceViews(ctx context.Context, made map[string]mark) error {
	for _, v := range m.schema.Views {
		is, exists := made[v.Name]
		current := is == v.mark()
		if current && m.tables.Cluster == "" {
			continue
		}
		if err := m.exec(ctx, v.Source, m.tables.viewParameters(v)); err != nil {
			return fmt.Errorf("view %s: %w", v.Name, err)
		}
		switch {
		case !exists:
			m.report.Changes = append(m.report.Changes, "view "+v.Name+" made")
		case !current:
			m.report.Changes = append(m.report.Changes, "view "+v.Name+" replaced")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if m.isOurs(name) {
			continue
		}
		if err := m.exec(ctx, dropViewSource, m.tables.dropParameters(name)); err != nil {
			return fmt.Errorf("drop view %s: %w", name, err)
		}
		m.report.Changes = append(m.report.Changes, "view "+name+" dropped")
	}
	return nil
}
