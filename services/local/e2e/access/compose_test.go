package access

import (
	"flag"
	"os"
	"testing"

	"github.com/waymark-events/waymark/services/local"
)

var rewrite = flag.Bool("rewrite", false, "write deploy/clickhouse/readers.xml anew")

// docker-compose.yml's readers are the demo's, and a view that is new is theirs, too.
func TestComposesReadersAreTheDemos(t *testing.T) {
	const name = "../../../../deploy/clickhouse/readers.xml"
	file, err := local.ReadersFile()
	if err != nil {
		t.Fatal(err)
	}
	want := "<!-- Readers of docker-compose.yml, all with the password waymark. Written by: go test ./services/local/e2e/access -run Compose -rewrite -->\n" + file
	if *rewrite {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Error("deploy/clickhouse/readers.xml is not what this version makes: run the command in its first line")
	}
}
