// Package model tests the tables that are computed from events, by themselves: that they are what their events are, whatever comes doubled, late,
// or in pieces, and that they are made anew without a loss while events are stored.
package model

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
	"github.com/waymark-events/waymark/services/waymarkctl"
)

// A house is a database with its model.
type house struct {
	t        testing.TB
	conn     *clickhouse.Conn
	settings string // waymarkctl's
	tokens   int
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseIn(t, chdbtest.Start(t))
}

func newHouseIn(t testing.TB, server chdbtest.Server) *house {
	t.Helper()
	h := &house{t: t, settings: filepath.Join(t.TempDir(), "waymarkctl.yaml")}
	settings := fmt.Sprintf("regions: {eu: {kafka: {brokers: ['127.0.0.1:1']}, clickhouse: {addresses: ['%s'], database: %s}}}", server.NativeAddr, server.Database)
	if err := os.WriteFile(h.settings, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	h.ctl("migrate")
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{server.NativeAddr}, server.Database
	var err error
	if h.conn, err = clickhouse.Open(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.conn.Close() })
	return h
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// run runs waymarkctl.
func (h *house) run(args ...string) (code int, stdout, stderr string) {
	h.t.Helper()
	var out, errs bytes.Buffer
	code = waymarkctl.Run(deadline(h.t), append([]string{"--config", h.settings}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// ctl runs waymarkctl, which must succeed.
func (h *house) ctl(args ...string) string {
	h.t.Helper()
	code, stdout, stderr := h.run(args...)
	if code != 0 {
		h.t.Fatalf("%v: status %d, %s%s", args, code, stdout, stderr)
	}
	return stdout
}

func (h *house) exec(statement string) {
	h.t.Helper()
	if err := h.conn.Exec(deadline(h.t), statement); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

// ask returns a query's rows as lines of words.
func (h *house) ask(query string, args ...any) string {
	h.t.Helper()
	var lines []string
	err := h.conn.Query(deadline(h.t), query, func(_ []string, values []any) error {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintln(values...), "\n"))
		return nil
	}, args...)
	if err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(lines, "\n")
}

// An event is what of one the model is made from.
type event struct {
	id                                           uuid.UUID
	at                                           time.Time
	account, visitor, user, company, environment string
	preview, bot                                 bool
	itemType, item, name, event, interaction     string
	step                                         int32
	stepName                                     string
	stepCount, iteration                         uint32
	trigger, dismissed, failed                   string
	country, city, browser, os, device, language string
	source, campaign, path                       string
	props                                        string
	expires                                      time.Time
}

// forever is when rows expire that do not.
var forever = time.Unix(4294967295, 0).UTC()

// insert stores events as one block, as the sink does. Twice under one token is once.
func (h *house) insert(token string, events ...event) error {
	columns := columnsOf(events)
	return h.conn.Insert(deadline(h.t), statementOf(columns), token, columns)
}

func statementOf(columns []clickhouse.Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return "INSERT INTO events (" + strings.Join(names, ", ") + ")"
}

func columnsOf(events []event) []clickhouse.Column {
	type text struct {
		column string
		of     func(e *event) string
	}
	texts := []text{
		{"account_id", func(e *event) string { return e.account }}, {"visitor_id", func(e *event) string { return e.visitor }}, {"user_id", func(e *event) string { return e.user }},
		{"company_id", func(e *event) string { return e.company }}, {"environment", func(e *event) string { return e.environment }},
		{"item_type", func(e *event) string { return e.itemType }}, {"item_id", func(e *event) string { return e.item }}, {"item_name", func(e *event) string { return e.name }},
		{"event", func(e *event) string { return e.event }}, {"interaction_id", func(e *event) string { return e.interaction }}, {"step_name", func(e *event) string { return e.stepName }},
		{"trigger", func(e *event) string { return e.trigger }}, {"dismiss_reason", func(e *event) string { return e.dismissed }}, {"failure_reason", func(e *event) string { return e.failed }},
		{"country_code", func(e *event) string { return e.country }}, {"city", func(e *event) string { return e.city }}, {"browser", func(e *event) string { return e.browser }},
		{"os", func(e *event) string { return e.os }}, {"device_type", func(e *event) string { return e.device }}, {"language", func(e *event) string { return e.language }},
		{"traffic_source", func(e *event) string { return e.source }}, {"utm_campaign", func(e *event) string { return e.campaign }}, {"url_path", func(e *event) string { return e.path }},
		{"props_text", func(e *event) string { return e.props }},
	}
	columns := []clickhouse.Column{
		column("event_id", events, func(e *event) uuid.UUID { return e.id }),
		column("time", events, func(e *event) int64 { return e.at.UnixMilli() }), column("client_time", events, func(e *event) int64 { return e.at.UnixMilli() }),
		column("received_at", events, func(e *event) int64 { return e.at.UnixMilli() }),
		column("preview", events, func(e *event) bool { return e.preview }), column("is_bot", events, func(e *event) bool { return e.bot }),
		column("step_index", events, func(e *event) int32 { return e.step }), column("step_count", events, func(e *event) uint32 { return e.stepCount }),
		column("iteration", events, func(e *event) uint32 { return e.iteration }),
		column("expires", events, func(e *event) time.Time {
			if e.expires.IsZero() {
				return forever
			}
			return e.expires
		}),
	}
	for _, t := range texts {
		columns = append(columns, column(t.column, events, t.of))
	}
	return columns
}

func column[T any](name string, events []event, of func(e *event) T) clickhouse.Column {
	values := make([]T, len(events))
	for i := range events {
		values[i] = of(&events[i])
	}
	return clickhouse.Column{Name: name, Values: values}
}

// store is insert of a block that must be taken.
func (h *house) store(events ...event) {
	h.t.Helper()
	h.tokens++
	if err := h.insert(fmt.Sprintf("block %d", h.tokens), events...); err != nil {
		h.t.Fatal(err)
	}
}

// grouped asks for a table's rows as they are when merged, each as a line of JSON.
func (h *house) grouped(table string) string {
	h.t.Helper()
	keys := h.ask("SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = @table", clickhouse.Named("table", table))
	keys = strings.Replace(keys, "toDate(slot), ", "", 1)
	merged := h.ask(`SELECT arrayStringConcat(groupArray(concat(extract(type, '^SimpleAggregateFunction\\((\\w+),'), '(t.', name, ')')), ', ')
		FROM (SELECT * FROM system.columns WHERE database = currentDatabase() AND table = @table AND type LIKE 'SimpleAggregateFunction%' ORDER BY position)`, clickhouse.Named("table", table))
	merged = strings.NewReplacer("groupUniqArrayArray(t.events)", "arraySort(groupUniqArrayArray(t.events))", "groupUniqArrayArray(t.views)", "arraySort(groupUniqArrayArray(t.views))").Replace(merged)
	return h.ask(fmt.Sprintf("SELECT trim(BOTH '\n' FROM formatRow('JSONCompactEachRow', %s, %s)) AS line FROM %s AS t GROUP BY %[1]s ORDER BY line", keys, merged, table))
}

// whole is the model, merged.
func (h *house) whole() string {
	h.t.Helper()
	return h.grouped("item_activity") + "\n" + h.grouped("visitor_activity") + "\n" + h.grouped("end_user_activity")
}

// rows counts the rows of the model as they lie.
func (h *house) rows() string {
	h.t.Helper()
	return h.ask("SELECT count() FROM item_activity") + " " + h.ask("SELECT count() FROM visitor_activity") + " " + h.ask("SELECT count() FROM end_user_activity")
}

func newID() uuid.UUID { return uuid.New() }
