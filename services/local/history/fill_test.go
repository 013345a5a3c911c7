package history

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/geo/demodb"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/enricher"
	"github.com/waymark-events/waymark/services/local/demo"
	"github.com/waymark-events/waymark/services/local/engines/chdb/chdbtest"
)

const accounts = `accounts:
  - id: acme
    name: Acme
    region: us
    policy: {identification: variable, level: 3, collect_url: true, collect_title: true, geo: city, ip: mask}
`

// options are of a past of 30 days, in a database of the test's own.
func options(t *testing.T, events int) Options {
	t.Helper()
	server := chdbtest.Start(t)
	dir := t.TempDir()
	cfg := clickhouse.DefaultConfig()
	cfg.Addresses, cfg.Database = []string{server.NativeAddr}, server.Database
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := clickhouse.Migrate(ctx, cfg, clickhouse.Tables{}, schemas.Migrations()); err != nil {
		t.Fatal(err)
	}
	enriching := enricher.DefaultConfig()
	enriching.Region, enriching.Accounts, enriching.Pseudonyms.Keys = "us", filepath.Join(dir, "accounts.yaml"), dir
	enriching.Geo.City = []string{filepath.Join(dir, "locations.mmdb")}
	if err := os.WriteFile(enriching.Accounts, []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := demodb.Write(enriching.Geo.City[0]); err != nil {
		t.Fatal(err)
	}
	return Options{
		Past: demo.HistoryOptions{
			Seed: 1, Until: time.Date(2026, 3, 20, 15, 0, 0, 0, time.UTC), Days: 30, Events: events, Accounts: []demo.Account{{ID: "acme"}},
		},
		Enricher: enriching, ClickHouse: cfg, Log: zap.NewNop(),
	}
}

func ask[T any](t *testing.T, cfg clickhouse.Config, query string) (out T) {
	t.Helper()
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Scalar(t.Context(), query, &out); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

func fill(t *testing.T, o Options) int {
	t.Helper()
	n, err := Fill(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAHistoryIsStoredOnceHoweverOftenItIsMade(t *testing.T) {
	o := options(t, 3000)
	n := fill(t, o)
	if n < 2500 || n > 3500 {
		t.Errorf("%d events, want about 3000", n)
	}
	if again := fill(t, o); again != n {
		t.Errorf("made %d events at first, then %d", n, again)
	}
	if got := ask[uint64](t, o.ClickHouse, "SELECT count() FROM events"); got != uint64(n) {
		t.Errorf("%d rows of %d events", got, n)
	}
	// As the pipeline does it: what the enricher adds is there.
	if got := ask[uint64](t, o.ClickHouse, "SELECT countIf(country_code != '' AND browser != '' AND session_id != '' AND traffic_source != '') FROM events"); got < uint64(n)*9/10 {
		t.Errorf("%d of %d events have a country, a browser, a session and a source", got, n)
	}
	if got := ask[uint64](t, o.ClickHouse, "SELECT countIf(time > received_at OR received_at > enriched_at OR enriched_at > inserted_at) FROM events"); got > 0 {
		t.Errorf("%d events were stored before they happened", got)
	}
}

// What a console shows of it: weeks, growth, people who come back and fewer who still do later, and a funnel that loses some at each step.
func TestAHistoryLooksLikeOne(t *testing.T) {
	o := options(t, 60_000)
	fill(t, o)
	for name, condition := range map[string]string{
		"a weekend's day has less than half of a working day's": "countIf(toDayOfWeek(time) > 5) / uniqIf(toDate(time), toDayOfWeek(time) > 5) < 0.5 * countIf(toDayOfWeek(time) < 6) / uniqIf(toDate(time), toDayOfWeek(time) < 6)",
		"nights have fewer events than days":                    "countIf(toHour(time) BETWEEN 1 AND 4) < 0.6 * countIf(toHour(time) BETWEEN 13 AND 16)",
		"the last ten days have more people than the first":     "uniqIf(visitor_id, time >= '2026-03-10') > 1.1 * uniqIf(visitor_id, time < '2026-03-01')",
		"no day is empty":          "uniq(toDate(time)) = 30",
		"several companies":        "uniqIf(company_id, company_id != '') >= 5",
		"some come by a campaign":  "countIf(utm_campaign != '') > 100",
		"nothing is of the future": "max(time) <= '2026-03-20 15:00:00'",
	} {
		if got := ask[bool](t, o.ClickHouse, "SELECT toBool("+condition+") FROM events"); !got {
			t.Errorf("it is not so that %s", name)
		}
	}
	const cohort = `WITH weeks AS (SELECT visitor_id, groupUniqArray(toMonday(time)) AS came FROM events GROUP BY visitor_id HAVING arrayMin(came) = '2026-02-23')
		SELECT countIf(has(came, toDate('%s'))) / count() FROM weeks`
	first, last := ask[float64](t, o.ClickHouse, strings.ReplaceAll(cohort, "%s", "2026-03-02")), ask[float64](t, o.ClickHouse, strings.ReplaceAll(cohort, "%s", "2026-03-16"))
	if first < 0.25 || first > 0.75 || last >= first || last < 0.1 {
		t.Errorf("of a week's new visitors %.2f come back a week later and %.2f after three", first, last)
	}
	if got := ask[bool](t, o.ClickHouse, `WITH steps AS (SELECT step_index, uniq(interaction_id) AS plays FROM events WHERE item_id = '124909' AND event = 'step' GROUP BY step_index)
		SELECT toBool(arraySort((n, i) -> -i, groupArray(plays), groupArray(step_index)) = arraySort(groupArray(plays)) AND count() = 4) FROM steps`); !got {
		t.Error("a funnel does not lose plays from step to step")
	}
}

func TestCopiesAreOtherPeopleWhoDoTheSame(t *testing.T) {
	o := options(t, 3000)
	n := fill(t, o)
	conn, err := clickhouse.Open(o.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 2 { // the second time changes nothing
		if err := Multiply(t.Context(), conn, Copies{Seed: "acme", Account: "other", From: 1, To: 4}); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask[uint64](t, o.ClickHouse, "SELECT count() FROM events FINAL WHERE account_id = 'other'"); got != uint64(3*n) {
		t.Errorf("3 copies of %d events are %d", n, got)
	}
	for _, what := range []string{
		"uniqExact(visitor_id)", "uniqExact(user_id)", "uniqExact(session_id)", "uniqExact(event_id)", "uniqExactIf(interaction_id, interaction_id != '')",
		"uniqExact(item_id)", "uniqExactIf(company_id, company_id != '')",
	} {
		seed, copied := ask[uint64](t, o.ClickHouse, "SELECT "+what+" FROM events WHERE account_id = 'acme'"), ask[uint64](t, o.ClickHouse, "SELECT "+what+" FROM events WHERE account_id = 'other'")
		want := 3 * seed
		if what == "uniqExact(item_id)" {
			want = seed
		}
		if copied != want {
			t.Errorf("%s of a history is %d, of three copies %d", what, seed, copied)
		}
	}
	if got := ask[uint64](t, o.ClickHouse, "SELECT count() FROM (SELECT DISTINCT visitor_id FROM events WHERE account_id = 'acme') WHERE visitor_id IN (SELECT visitor_id FROM events WHERE account_id = 'other')"); got > 0 {
		t.Errorf("%d visitors are in a history and in its copies", got)
	}
	// Sessions and plays stay whole, and the feeds of the model saw them.
	for _, view := range []string{"sessions(account = '%', from = '2026-02-18', to = '2026-03-20', audience = 'all')", "interactions(account = '%', from = '2026-02-18', to = '2026-03-20', audience = 'all', item = '')"} {
		seed, copied := ask[uint64](t, o.ClickHouse, "SELECT count() FROM "+strings.ReplaceAll(view, "%", "acme")), ask[uint64](t, o.ClickHouse, "SELECT count() FROM "+strings.ReplaceAll(view, "%", "other"))
		if seed == 0 || absolute(int(copied)-3*int(seed)) > int(seed)/10 { // half hours and days are cut elsewhere: interactions without a play are of a day
			t.Errorf("%s: %d of a history, %d of three copies", view, seed, copied)
		}
	}
}

func absolute(n int) int { return max(n, -n) }
