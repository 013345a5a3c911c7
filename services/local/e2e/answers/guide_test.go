package answers

import (
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
)

var rewrite = flag.Bool("rewrite", false, "write the answers in docs/analysts.md anew")

// guide is the analysts' guide. Under each of its queries stands the answer of the data set.
var guide = filepath.Join("..", "..", "..", "..", "docs", "analysts.md")

// answered is a query, and the table or the lines that follow it.
var answered = regexp.MustCompile("(?s)(```sql\n(.*?)\n```\n)(\n(?:\\|[^\n]*\n)+|\n```text\n.*?\n```\n)?")

func TestTheGuidesAnswersAreThoseOfTheViews(t *testing.T) {
	h := open(t)
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	got := answered.ReplaceAllStringFunc(string(text), func(block string) string {
		parts := answered.FindStringSubmatch(block)
		return parts[1] + "\n" + h.shown(t, parts[2])
	})
	if *rewrite {
		if err := os.WriteFile(guide, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(text) {
		t.Errorf("an answer in %s is another one: go test ./services/local/e2e/answers -run Guide -rewrite writes them anew, and git diff shows which", guide)
	}
}

func TestTheGuideHasEveryView(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		t.Fatal(err)
	}
	var queries strings.Builder
	for _, block := range answered.FindAllStringSubmatch(string(text), -1) {
		queries.WriteString(block[2])
	}
	for _, view := range schema.Views {
		if strings.HasPrefix(view.Name, "identity_") || strings.HasPrefix(view.Name, "events_") {
			continue // README and docs/sending.md have these
		}
		if !regexp.MustCompile(`\b` + view.Name + `\b`).MatchString(queries.String()) {
			t.Errorf("%s asks nothing of the view %s", guide, view.Name)
		}
	}
}

// shown is a query's answer as the guide has it: a table, or lines where the query names a format of its own.
func (h *house) shown(t *testing.T, query string) string {
	t.Helper()
	settings := url.Values{"database": {h.database}, "default_format": {"Markdown"}, "output_format_markdown_escape_special_characters": {"0"}, "format_tsv_null_representation": {"NULL"}}
	response, err := http.Post("http://"+h.engine.HTTP()+"/?"+settings.Encode(), "text/plain", strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s\n%s %v", query, text, err)
	}
	if answer := string(text); strings.HasPrefix(answer, "|") {
		return answer
	}
	return "```text\n" + strings.TrimRight(string(text), "\n") + "\n```\n"
}
