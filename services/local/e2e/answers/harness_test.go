// Package answers compares what the views answer with what plain Go computes from the same events, from the definitions.
package answers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/local/e2e/answers/dataset"
	"github.com/waymark-events/waymark/services/local/engines/chdb"
)

// A house is a database set up by the product's own migrations that holds the data set. All tests read the same one; what a test adds to it, it
// must take away.
type house struct {
	dir      string
	engine   *chdb.Engine
	conn     *clickhouse.Conn
	database string
	set      *dataset.Set
	// stored are the rows that the model has seen, final those that FINAL has (dataset.Set).
	stored, final []*dataset.Event

	// What was computed once: the activities of each account, the interactions that began in a span, and the answers.
	once    sync.Once
	model   map[string][]*activity
	began   map[string][]*interaction
	answers map[string][]Row
}

const seed = 20260215

var loaded = sync.OnceValues(load)

func TestMain(m *testing.M) {
	code := m.Run()
	if running != nil {
		running.engine.Kill() // nothing of it is kept
		if err := errors.Join(running.close(), running.engine.Stop(), os.RemoveAll(running.dir)); err != nil {
			fmt.Fprintln(os.Stderr, "stop ClickHouse:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// running is the house whose engine is up.
var running *house

// open is the house, which the first test that asks loads.
func open(t testing.TB) *house {
	t.Helper()
	h, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// tables are those that are computed from events, and events.
var tables = []string{"events", "item_activity", "visitor_activity", "end_user_activity"}

func load() (*house, error) {
	h := &house{database: "answers", set: dataset.New(seed), began: make(map[string][]*interaction), answers: make(map[string][]Row)}
	h.stored, h.final = h.set.Stored(), h.set.Final()
	var err error
	if h.dir, err = os.MkdirTemp("", "waymark-answers-"); err != nil {
		return nil, err
	}
	if err := h.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded ClickHouse: %w", err), os.RemoveAll(h.dir))
	}
	running = h
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{h.engine.Native()}, h.database
	if _, err := clickhouse.Migrate(ctx, cfg, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		return nil, err
	}
	if h.conn, err = clickhouse.Open(cfg); err != nil {
		return nil, err
	}
	return h, h.store(ctx)
}

func (h *house) start() (err error) {
	cfg := chdb.Config{Dir: h.dir}
	if cfg.Library, err = chdb.Find(); err != nil {
		return err
	}
	if cfg.Native, err = chdb.Take("127.0.0.1:0"); err != nil {
		return err
	}
	if cfg.HTTP, err = chdb.Take("127.0.0.1:0"); err != nil {
		return errors.Join(err, cfg.Native.Close())
	}
	h.engine, err = chdb.Start(context.Background(), cfg)
	return err
}

func (h *house) close() error {
	if h.conn == nil { // it never came so far
		return nil
	}
	return h.conn.Close()
}

// store inserts the blocks as the sink does, with the model's feeds on, and erases who is to be erased.
// store stores the data set. Rows stay as they came: were doubles merged away by the time that a view is asked, it might as well forget FINAL.
// TestMergesChangeNoAnswer merges them.
func (h *house) store(ctx context.Context) error {
	for _, table := range tables {
		if err := h.conn.Exec(ctx, "ALTER TABLE "+table+" MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"); err != nil {
			return err
		}
	}
	for i, block := range h.set.Blocks {
		if err := h.insert(ctx, "events", fmt.Sprintf("block %d", i), dataset.Columns(block)); err != nil {
			return err
		}
	}
	if err := h.insert(ctx, "dead_events", "dead", dataset.Columns(h.set.Dead)); err != nil {
		return err
	}
	for _, table := range tables {
		var people []string
		for _, person := range h.set.Erased {
			people = append(people, fmt.Sprintf("(%s, %s)", quote(person.Account), quote(person.User)))
		}
		if err := h.conn.Exec(ctx, "DELETE FROM "+table+" WHERE (account_id, user_id) IN ("+strings.Join(people, ", ")+")"); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) insert(ctx context.Context, table, token string, columns []clickhouse.Column) error {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = column.Name
	}
	return h.conn.Insert(ctx, "INSERT INTO "+table+" ("+strings.Join(names, ", ")+")", token, columns)
}

// query runs a statement over HTTP and returns its rows as JSON, or the server's error.
func (h *house) query(statement string) ([]Row, error) {
	settings := url.Values{
		"database": {h.database}, "default_format": {"JSONEachRow"}, "wait_end_of_query": {"1"},
		// NaN is no null, and an integer of 64 bits is a number.
		"output_format_json_quote_denormals": {"1"}, "output_format_json_quote_64bit_integers": {"0"},
	}
	client := http.Client{Timeout: 5 * time.Minute}
	response, err := client.Post("http://"+h.engine.HTTP()+"/?"+settings.Encode(), "text/plain", strings.NewReader(statement))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, err := io.ReadAll(response.Body)
		return nil, errors.Join(errors.New(strings.TrimSpace(string(text))), err)
	}
	var rows []Row
	for dec := json.NewDecoder(response.Body); ; {
		var row Row
		if err := dec.Decode(&row); err == io.EOF {
			return rows, nil
		} else if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

// ask returns a query's rows.
func (h *house) ask(t testing.TB, statement string) []Row {
	t.Helper()
	rows, err := h.query(statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return rows
}

// exec runs a statement that returns nothing.
func (h *house) exec(t testing.TB, statement string) {
	t.Helper()
	h.ask(t, statement)
}

// quote is a value as a literal of SQL.
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// Row is a row by its columns' names, as JSON has it: numbers are float64, dates and times text (clock, date), NULL nil, arrays []any.
type Row map[string]any

// date is a day and clock a time as rows have them.
func date(day time.Time) string { return day.Format(time.DateOnly) }
func clock(at time.Time) string { return at.Format("2006-01-02 15:04:05.000") }

// ratio is a / b, and NULL where b is none.
func ratio[A, B int | float64](a A, b B) any {
	if b == 0 {
		return nil
	}
	return float64(a) / float64(b)
}

// quantile is the value at level of the values in order, between two of them in proportion (quantileExactInclusive, Excel's PERCENTILE.INC);
// NULL of none.
func quantile(level float64, values []float64) any {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	place := level * float64(len(sorted)-1)
	below := int(math.Floor(place))
	if below+1 == len(sorted) {
		return sorted[below]
	}
	return sorted[below] + (place-float64(below))*(sorted[below+1]-sorted[below])
}

// mean is the mean of the values; NULL of none.
func mean(values []float64) any {
	sum := 0.0
	for _, value := range values {
		sum += value
	}
	return ratio(sum, len(values))
}

// differ says how rows differ from those wanted, in no order; "" when they do not. Numbers may differ by a billionth.
func differ(got, want []Row) string {
	lines := func(rows []Row) []string {
		out := make([]string, len(rows))
		for i, row := range rows {
			out[i] = row.String()
		}
		slices.Sort(out)
		return out
	}
	g, w := lines(got), lines(want)
	if slices.Equal(g, w) {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%d rows, want %d", len(g), len(w))
	missing := func(sign string, of, in []string) {
		shown := 0
		for _, line := range of {
			if _, is := slices.BinarySearch(in, line); !is && shown < 5 {
				fmt.Fprintf(&out, "\n%s %s", sign, line)
				shown++
			}
		}
	}
	missing("got ", g, w)
	missing("want", w, g)
	return out.String()
}

// String has the row's columns in the order of their names; floating point numbers with nine digits.
func (r Row) String() string {
	var out []string
	for name, value := range r {
		switch v := value.(type) {
		case int:
			value = number(float64(v))
		case float64:
			value = number(v)
		case string:
			value = fmt.Sprintf("%q", v)
		}
		out = append(out, fmt.Sprintf("%s=%v", name, value))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return fmt.Sprintf("%.0f", v+0) // no -0
	}
	// What lies between two of nine digits goes up, whichever way its last bit was rounded.
	return fmt.Sprintf("%.9g", v*(1+1e-13))
}
