package export

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

//go:embed sql/view.sql
var viewDefinition string

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	parameter  = regexp.MustCompile(`\{(\w+):\s*([^{}]+)\}`)
)

// usual are values of parameters that need not be given.
var usual = map[string]string{"audience": "live", "item": ""}

// Statement is the SELECT of all that a view has, and the values of its parameters: those given, and the usual ones for the others.
func Statement(ctx context.Context, conn *clickhouse.Conn, view string, given map[string]string) (string, map[string]string, error) {
	if !identifier.MatchString(view) {
		return "", nil, fmt.Errorf("--view %q is no name of a view", view)
	}
	definition := ""
	err := conn.Query(ctx, viewDefinition, func(_ []string, values []any) error {
		definition = values[0].(string)
		return nil
	}, clickhouse.Named("view", view))
	if err != nil {
		return "", nil, err
	}
	if definition == "" {
		return "", nil, fmt.Errorf("there is no view %s", view)
	}
	var names, arguments, missing []string
	values := map[string]string{}
	for _, p := range parameter.FindAllStringSubmatch(definition, -1) {
		name, kind := p[1], p[2]
		if slices.Contains(names, name) {
			continue
		}
		names = append(names, name)
		arguments = append(arguments, fmt.Sprintf("%s = {%s:%s}", name, name, kind))
		value, known := given[name]
		if !known {
			value, known = usual[name]
		}
		if !known {
			missing = append(missing, name)
		}
		values[name] = value
	}
	for name := range given {
		if !slices.Contains(names, name) {
			return "", nil, fmt.Errorf("view %s has no parameter %s: it has %s", view, name, list(names))
		}
	}
	if len(missing) > 0 {
		return "", nil, fmt.Errorf("view %s needs --param %s=…", view, strings.Join(missing, "=… --param "))
	}
	if len(arguments) == 0 {
		return "SELECT * FROM " + view, nil, nil
	}
	return "SELECT * FROM " + view + "(" + strings.Join(arguments, ", ") + ")", values, nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
