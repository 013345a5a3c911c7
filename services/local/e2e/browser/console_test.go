//go:build browser

package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/local"
	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
)

// The accounts of the data set, and one that has nothing yet.
const lookedAt = `accounts:
  - {id: acme, name: Acme, region: eu, write_keys: [wk_acme_page], policy: {identification: variable, collect_url: true, collect_title: true}}
  - {id: tiny, name: Tiny, region: eu, write_keys: [wk_tiny_page]}
  - {id: nobody, name: Nobody yet, region: us, write_keys: [wk_nobody_page]}
`

// The console's page shows what SQL says: figures.test.mjs asks ClickHouse itself and compares. page.test.mjs needs no server.
func TestConsoleInChromium(t *testing.T) {
	p := start(t, lookedAt)
	fill(t, p)
	node(t, "console", 1, "CONSOLE=http://"+p.Addresses.Console, "CLICKHOUSE=http://"+p.Addresses.ClickHouseHTTP, "DATABASE="+local.Database("eu"), "EDGE=http://"+p.Addresses.Edge)
}

// fill stores the data set's events of the region as the sink would.
func fill(t *testing.T, p *local.Pipeline) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{p.Addresses.ClickHouseNative}, local.Database("eu")
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i, block := range dataset.New(1).Blocks {
		columns := dataset.Columns(block)
		names := make([]string, len(columns))
		for i, column := range columns {
			names[i] = column.Name
		}
		if err := conn.Insert(ctx, "INSERT INTO events ("+strings.Join(names, ", ")+")", fmt.Sprintf("block %d", i), columns); err != nil {
			t.Fatal(err)
		}
	}
}
