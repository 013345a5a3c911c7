package model

import (
	"math/rand/v2"
	"testing"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// Whoever may insert into events feeds the model, and needs no right to its tables.
func TestASinkNeedsNoRightToTheModel(t *testing.T) {
	const networks = "<networks><ip>127.0.0.1</ip></networks>"
	engine := chdbtest.Run(t, chdbtest.Options{Users: "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users>" +
		"<default><password></password>" + networks + "<profile>default</profile><quota>default</quota></default>" +
		"<sink><password>secret</password>" + networks + "<profile>default</profile><quota>default</quota><grants><query>GRANT SELECT, INSERT ON waymark.events</query></grants></sink>" +
		"</users></clickhouse>"})
	engine.Database = "waymark"
	h := newHouseIn(t, engine.Server)
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database, cfg.User, cfg.Password = []string{engine.NativeAddr}, "waymark", "sink", "secret"
	limited, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer limited.Close()
	own := h.conn
	h.conn = limited
	events := anyEvents(rand.New(rand.NewPCG(7, 7)), 100)
	h.store(events...)
	if err := limited.Exec(deadline(t), "SELECT count() FROM item_activity"); clickhouse.Code(err) != "497" {
		t.Errorf("the sink's user may read the model, so that the test shows nothing: %v", err)
	}
	h.conn = own
	h.is(events)
}
