package model

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

// Rows that were stored before item_activity and visitor_activity had their numbers have them afterwards, also where a filter reads first what they are computed of.
func TestAnUpgradeStoresTheNumbersOfOldRows(t *testing.T) {
	server := chdbtest.Start(t)
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{server.NativeAddr}, server.Database
	if _, err := clickhouse.Migrate(deadline(t), cfg, clickhouse.Tables{}, until(t, "0008")); err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	h := &house{t: t, conn: conn}
	if err := h.insert("old", manyActs("old")...); err != nil {
		t.Fatal(err)
	}
	if _, err := clickhouse.Migrate(deadline(t), cfg, clickhouse.Tables{}, until(t, "9999")); err != nil {
		t.Fatal(err)
	}
	if err := h.insert("new", manyActs("new")...); err != nil {
		t.Fatal(err)
	}
	ofItems := "item_activity WHERE day >= '2020-01-01' AND item_id != 'none' AND exposed < 2"
	for column, rows := range map[string]string{
		"item": ofItems, "interaction": ofItems, "happened": ofItems, "last_step": ofItems, "person": "visitor_activity WHERE toDate(slot) >= '2020-01-01' AND user_id != 'none'",
	} {
		alone := fmt.Sprintf("SELECT uniqExact(%s), sum(%[1]s) FROM %s", column, rows)
		if got, want := h.ask(alone+" AND account_id = 'old'"), h.ask(alone+" AND account_id = 'new'"); got != want || got == "0 0" {
			t.Errorf("%s of rows that were there is %s, of new ones %s", column, got, want)
		}
	}
}

// until is the migrations up to a number, without views.
func until(t *testing.T, last string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(schemas.Migrations(), ".", func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || entry.IsDir() || filepath.Dir(path) == "views" || filepath.Dir(path) == "." && name[:4] > last {
			return err
		}
		text, err := fs.ReadFile(schemas.Migrations(), path)
		out[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// manyActs are the same for each account: days, items and plays that differ, some without a play.
func manyActs(account string) (out []event) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 2_000 {
		e := event{
			id: uuid.New(), at: begin.AddDate(0, 0, i%20), account: account, visitor: fmt.Sprint("v", i%300), user: fmt.Sprint("u", i%300), environment: "production",
			itemType: "walkthru", item: fmt.Sprint(i % 7), event: "step", step: int32(i % 9), expires: forever,
		}
		if i%3 > 0 {
			e.interaction = fmt.Sprint("play", i)
		}
		out = append(out, e)
	}
	return out
}
