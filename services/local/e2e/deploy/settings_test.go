package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/config"
)

// blocks are settings that several services share: the page lists them once.
var blocks = regexp.MustCompile(`^(REGIONS_\*_)?(KAFKA_|CLICKHOUSE_)?(TLS_)`)

func TestEverySettingIsDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, name := range regexp.MustCompile("`([a-z0-9_.]+)`").FindAllStringSubmatch(string(text), -1) {
		listed[strings.ToUpper(strings.ReplaceAll(name[1], ".", "_"))] = true
	}
	for program, b := range binaries {
		prefix := "WAYMARK_" + strings.ToUpper(program) + "_"
		for _, variable := range config.Variables(b.settings(), program) {
			name := strings.TrimPrefix(variable, prefix)
			name = blocks.ReplaceAllString(name, "TLS_")
			name = strings.TrimPrefix(name, "REGIONS_*_")
			if !listed[name] {
				t.Errorf("docs/configuration.md does not list %s of %s", strings.ToLower(name), program)
			}
		}
	}
}
