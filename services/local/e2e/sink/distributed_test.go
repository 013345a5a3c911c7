package sink

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/local/kafkatest"
)

// shards is two engines, each of which knows both as the cluster "both".
func shards(t *testing.T) (out [2]*chdbtest.Engine) {
	t.Helper()
	cluster := "<remote_servers><both>"
	for i := range out {
		out[i] = chdbtest.Run(t, chdbtest.Options{})
		out[i].Database = database
		host, port, _ := strings.Cut(out[i].NativeAddr, ":")
		cluster += fmt.Sprintf("<shard><replica><host>%s</host><port>%s</port></replica></shard>", host, port)
	}
	for _, engine := range out {
		engine.Configure("", cluster+"</both></remote_servers>")
	}
	return out
}

// A Distributed table cuts a block up and hands the pieces on: it remembers no tokens, and a retry may be cut otherwise.
func TestATableThatOnlyHandsRowsOnIsRefusedAtStart(t *testing.T) {
	all := shards(t)
	h := newHouseIn(t, kafkatest.Start(t), all[0].Server, 1)
	second := h.cfg.ClickHouse
	second.Addresses = []string{all[1].NativeAddr}
	if _, err := clickhouse.Migrate(deadline(t), second, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		t.Fatal(err)
	}
	h.exec("RENAME TABLE events TO events_here")
	h.exec("CREATE TABLE events AS events_here ENGINE = Distributed(both, " + database + ", events_here, raw_offset)")
	h.send(0, h.some(30)...)
	h.stops("table events is Distributed")
	h.exec("DROP TABLE events SYNC")
	h.exec("RENAME TABLE events_here TO events")
	h.unharmed(30)
}

// Analysts may well read through one, beside the table that the sink fills.
func TestADistributedTableReadsWhatTheSinksOfAllShardsStored(t *testing.T) {
	all := shards(t)
	broker := kafkatest.Start(t)
	h := newHouseIn(t, broker, all[0].Server, 1)
	h.send(0, h.some(30)...)
	h.run(h.holds(30), "30 rows on the first shard")
	second := h.cfg.ClickHouse
	second.Addresses = []string{all[1].NativeAddr}
	if _, err := clickhouse.Migrate(deadline(t), second, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		t.Fatal(err)
	}
	h.cfg.ClickHouse = second
	h.send(0, h.some(20)...)
	everywhere := func() bool { return h.count("SELECT count() FROM everywhere") == 50 }
	h.exec("CREATE TABLE everywhere AS events ENGINE = Distributed(both, " + database + ", events)")
	h.run(everywhere, "50 rows on both shards")
	if n := h.count("SELECT uniqExact(event_id) FROM everywhere"); n != 50 || !h.holds(30)() {
		t.Errorf("%d events in all", n)
	}
}
