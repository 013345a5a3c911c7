package answers

import (
	"regexp"
	"slices"
	"testing"

	"github.com/waymark-events/waymark/services/local/e2e/answers/examples"
)

// Each example of the guide has an answer, of rows without an empty column; each view has an example.
func TestExamplesAreAnswered(t *testing.T) {
	h := open(t)
	var views []string
	for _, example := range examples.All() {
		t.Run(example.View, func(t *testing.T) {
			views = append(views, example.View)
			if !regexp.MustCompile(`FROM ` + example.View + `\b`).MatchString(example.SQL) {
				t.Errorf("the example does not ask %s:\n%s", example.View, example.SQL)
			}
			rows := h.ask(t, example.SQL)
			if len(rows) == 0 {
				t.Fatalf("no rows:\n%s", example.SQL)
			}
			for column := range rows[0] {
				if !slices.ContainsFunc(rows, func(row Row) bool { return row[column] != nil }) {
					t.Errorf("%s is NULL in all rows:\n%s", column, example.SQL)
				}
			}
		})
	}
	for _, q := range questions {
		if !slices.Contains(views, q.view) {
			t.Errorf("%s has no example", q.view)
		}
	}
}
