package ctl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/schemas"
)

func TestLag(t *testing.T) {
	client, _ := us(t)
	ok(t, "setup", "--replication-factor", "1", "--partitions", "2")
	for range 3 {
		produce(t, client, schemas.EnrichedTopic("us"), 1, &event.Enriched{Event: "play"})
	}
	var got [][]string
	for line := range strings.Lines(ok(t, "lag")) {
		if fields := strings.Fields(line); fields[1] == schemas.EnrichedTopic("us") {
			got = append(got, fields[1:])
		}
	}
	topic := schemas.EnrichedTopic("us")
	want := [][]string{{topic, "0", "-", "0", "0"}, {topic, "1", "-", "3", "3"}, {topic, "all", "3"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTailPrintsEnrichedEventsAndDeadRecords(t *testing.T) {
	client, _ := us(t)
	ok(t, "setup", "--replication-factor", "1", "--partitions", "2")
	id := uuid.New()
	produce(t, client, schemas.EnrichedTopic("us"), 1, &event.Enriched{
		EventId: id[:], AccountId: "demo-us", Event: "play", Time: 1_700_000_000_123, Props: []byte(`{"plan":"pro"}`),
	})
	produce(t, client, schemas.DeadTopic("us"), 2, &event.Dead{
		Reason: "malformed_json", FailedAt: 1_700_000_000_000, Value: []byte(`{"oops`), Error: "unexpected end",
	})

	got := objects(t, ok(t, "tail", "--no-follow", "--from-start"))
	want := []map[string]any{{
		"event_id": id.String(), "account_id": "demo-us", "event": "play", "time": "2023-11-14T22:13:20.123Z",
		"props": map[string]any{"plan": "pro"}, "raw_partition": 0.0, "raw_offset": 0.0, "kafka_partition": 1.0, "kafka_offset": 0.0,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = objects(t, ok(t, "tail", "--dead", "--no-follow", "--from-start", "--region", "us"))
	want = []map[string]any{{
		"reason": "malformed_json", "failed_at": "2023-11-14T22:13:20.000Z", "value": `{"oops`, "error": "unexpected end",
		"partition": 0.0, "offset": 0.0, "kafka_partition": 2.0, "kafka_offset": 0.0,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if rest := ok(t, "tail", "--no-follow"); rest != "" {
		t.Errorf("from the end: %q", rest)
	}
}

func TestTailReportsARecordThatIsNoEventAndGoesOn(t *testing.T) {
	client, _ := us(t)
	ok(t, "setup", "--replication-factor", "1", "--partitions", "1")
	topic := schemas.EnrichedTopic("us")
	produce(t, client, topic, 0, garbage{})
	produce(t, client, topic, 0, &event.Enriched{Event: "play"})
	code, stdout, stderr := run(t, "tail", "--no-follow", "--from-start")
	if got := objects(t, stdout); code != 0 || len(got) != 1 || got[0]["event"] != "play" {
		t.Errorf("status %d, %q", code, stdout)
	}
	if !strings.Contains(stderr, topic+"/0@0 cannot be decoded") {
		t.Errorf("stderr: %q", stderr)
	}
}

type garbage struct{}

func (garbage) MarshalVT() ([]byte, error) { return []byte{0xff, 0xff}, nil }

func TestSQLRendersWhatTheTablesHold(t *testing.T) {
	us(t)
	ok(t, "migrate")
	query := `SELECT toUUID('0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f') AS id, toDateTime64('2023-11-14 22:13:20.123', 3, 'UTC') AS at,
		CAST(NULL, 'Nullable(Float32)') AS lost, CAST(1.5, 'Nullable(Float32)') AS found, 18446744073709551615 AS big,
		'{"plan":"pro","cart":{"total":3}}'::JSON AS props, CAST('clamped_past', 'Enum8(\'clamped_past\' = 3)') AS flag,
		toLowCardinality('x') AS low, [1, 2]::Array(UInt8) AS few, map('a', 1) AS pairs, true AS yes, nan AS no_number, 'a\tb' AS text`
	got := objects(t, ok(t, "sql", "--format", "json", query))
	want := []map[string]any{{
		"id": "0190c3a2-7b1e-7c3d-8e4f-5a6b7c8d9e0f", "at": "2023-11-14T22:13:20.123Z", "lost": nil, "found": 1.5, "big": 18446744073709551615.0,
		"props": map[string]any{"plan": "pro", "cart": map[string]any{"total": 3.0}}, "flag": "clamped_past", "low": "x",
		"few": []any{1.0, 2.0}, "pairs": map[string]any{"a": 1.0}, "yes": true, "no_number": nil, "text": "a\tb",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	rows := "SELECT number AS n, if(number = 0, NULL, 'row') AS word FROM numbers(2)"
	if got := ok(t, "sql", rows); got != "n\tword\n0\t\\N\n1\trow\n" {
		t.Errorf("tsv: %q", got)
	}
	if got := ok(t, "sql", rows, "--format", "table", "--region", "us"); got != "n  word\n0  NULL\n1  row\n" {
		t.Errorf("table: %q", got)
	}
	fails(t, []string{"region us", "ClickHouse", "no_such_table"}, "sql", "SELECT * FROM no_such_table")
}

func TestSQLRunsAStatementThatReturnsNothing(t *testing.T) {
	us(t)
	ok(t, "migrate")
	if got := ok(t, "sql", "INSERT INTO events (account_id, event, props) VALUES ('demo', 'play', '{\"plan\":\"pro\"}')"); got != "" {
		t.Errorf("printed %q", got)
	}
	if got := ok(t, "sql", "SELECT account_id, props FROM events"); got != "account_id\tprops\ndemo\t{\"plan\":\"pro\"}\n" {
		t.Errorf("printed %q", got)
	}
}

func TestUnknownRegion(t *testing.T) {
	region(t, "us", closed(t), closed(t), "waymark")
	region(t, "eu", closed(t), closed(t), "waymark")
	for _, args := range []string{"lag --region mars", "tail --region mars", "migrate --region mars", "topics apply --region mars", "sql --region mars x"} {
		fails(t, []string{`no region "mars": want one of eu, us`}, strings.Fields(args)...)
	}
	fails(t, []string{"--region is needed: one of eu, us"}, "tail")
}

func TestKafkaAwayIsSaidInOneSentence(t *testing.T) {
	a, b := closed(t), closed(t)
	region(t, "us", a+","+b, closed(t), "waymark")
	for _, args := range []string{"lag", "tail", "topics apply"} {
		fails(t, []string{"no broker of " + a + "," + b + " answers", "refused"}, strings.Fields(args)...)
	}
}

func TestClickHouseAwayIsSaidInOneSentence(t *testing.T) {
	nobody := closed(t)
	region(t, "us", closed(t), nobody, "waymark")
	for _, args := range [][]string{{"migrate"}, {"sql", "SELECT 1"}} {
		fails(t, []string{"region us", "ClickHouse", nobody, "refused"}, args...)
	}
}

func TestCommandsOnARegionWithoutTopicsSaySo(t *testing.T) {
	us(t)
	fails(t, []string{schemas.EnrichedTopic("us"), "no such topic"}, "tail")
	fails(t, []string{schemas.RawTopic("us"), "no such topic"}, "lag")
}
