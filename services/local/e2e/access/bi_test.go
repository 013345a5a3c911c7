//go:build bi

package access

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What `make test-bi` installs, from this folder.
const (
	cache  = "../../../../.cache"
	python = cache + "/bi/bin/python"
	jars   = cache + "/jdbc"
)

// Each program asks as an analyst what tools ask: lists of tables, a view with parameters, each type that is not plain, an error, a large result.
// Memory is bounded, so that a result which is kept whole is found out.
func TestToolsWork(t *testing.T) {
	h := newHouse(t)
	host, port, err := net.SplitHostPort(h.HTTPAddr)
	if err != nil {
		t.Fatal(err)
	}
	for name, command := range map[string][]string{
		"clickhouse-connect": {python, "bi/connect.py"},
		"SQLAlchemy":         {python, "bi/alchemy.py"},
		"JDBC":               {"java", "-Xmx48m", "-cp", filepath.Join(jars, "*"), "bi/Reader.java"},
		"@clickhouse/client": {"node", "--max-old-space-size=96", "bi/client.mjs"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(command[1:], host, port, "analyst_shop", password, database)
			cmd := exec.CommandContext(deadline(t), command[0], args...)
			cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "TZ=America/New_York") // nobody's clock is to matter
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "ok") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
