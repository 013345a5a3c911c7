package audit

import (
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
)

func TestTTLOf(t *testing.T) {
	const before = "ReplacingMergeTree(epoch) PARTITION BY toYYYYMM(time) ORDER BY (account_id, toDate(client_time), event_id) "
	for name, c := range map[string]struct {
		engine string
		want   []rule
	}{
		"none":            {before + "SETTINGS index_granularity = 8192", nil},
		"plain":           {before + "TTL toDateTime(time) + toIntervalYear(1) SETTINGS index_granularity = 8192", []rule{{time: "toDateTime(time) + toIntervalYear(1)"}}},
		"without more":    {before + "TTL time + toIntervalDay(1)", []rule{{time: "time + toIntervalDay(1)"}}},
		"spelt out":       {before + "TTL time + toIntervalDay(1) DELETE WHERE (a = 1) AND b", []rule{{time: "time + toIntervalDay(1)", condition: "(a = 1) AND b"}}},
		"moves":           {before + "TTL time + toIntervalDay(1) TO DISK 'cold', time + toIntervalDay(2) TO VOLUME 'v', time + toIntervalDay(3) RECOMPRESS CODEC(ZSTD(9))", nil},
		"words in a text": {before + "TTL time + toIntervalDay(1) WHERE account_id IN ('x TO DISK y', ' SETTINGS ', 'it\\'s, DELETE ') SETTINGS a = 1", []rule{{time: "time + toIntervalDay(1)", condition: `account_id IN ('x TO DISK y', ' SETTINGS ', 'it\'s, DELETE ')`}}},
		"two":             {before + "TTL f(a, b) WHERE x, g(`TTL `) SETTINGS a = 1", []rule{{time: "f(a, b)", condition: "x"}, {time: "g(`TTL `)"}}},
		"rolled up":       {before + "TTL time + toIntervalDay(9) GROUP BY account_id, toDate(client_time) SET step_index = max(step_index), time = any(time)", []rule{{time: "time + toIntervalDay(9)", unsure: true}}},
	} {
		if diff := cmp.Diff(c.want, ttlOf(c.engine), cmp.AllowUnexported(rule{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The bounds hold the corrected time whatever the enricher's limits are.
func TestTimesBoundTheCorrectedTime(t *testing.T) {
	const received, hour = 1_700_000_000_000, 3_600_000
	for name, c := range map[string]struct{ client, sent, earliest, latest int64 }{
		"now":                        {received, 0, received, received},
		"half an hour ago":           {received - hour/2, 0, received - hour/2, received - hour/2},
		"long ago":                   {received - 100*hour, 0, received - 100*hour, received - hour},
		"longer ago than any limit":  {received - 20_000*hour, 0, received - 8760*hour, received - hour},
		"to come":                    {received + 5*hour, 0, received, received + 5*hour},
		"by a clock that is behind":  {received - 50*hour, received - 49*hour, received - 50*hour, received - hour},
		"by a clock that is fast":    {received + 5*hour, received + 5*hour, received, received + 5*hour},
		"further than any limit yet": {received + 9000*hour, 0, received, received + 720*hour},
	} {
		raw := event.Raw{Format: event.FormatRecorder, AccountID: "a", EventID: [16]byte{1}, ReceivedAt: received, SentAt: c.sent}
		rec := raw.Record(nil)
		rec.Value = []byte(`{"time":` + strconv.FormatInt(c.client, 10) + `,"type":"play","data":{"type":"wt","oId":1},"user":{"guid":"v"}}`)
		var r record
		r.times(&rec)
		if r.receivedAt != received || r.earliest != c.earliest || r.latest != c.latest {
			t.Errorf("%s: %d to %d after the receipt, want %d to %d", name, r.earliest-received, r.latest-received, c.earliest-received, c.latest-received)
		}
	}
}

func TestOffsetSet(t *testing.T) {
	s := offsetSet{}
	if !s.empty() {
		t.Error("it is not empty at first")
	}
	want := []int64{0, 1, 63, 64, 8191, 8192, 1 << 40, 1<<40 + 1}
	for _, offset := range slices.Backward(want) {
		s.add(offset)
	}
	s.add(77)
	s.remove(77)
	s.remove(1 << 50)
	if got := slices.Collect(s.all()); !slices.Equal(got, want) || s.has(77) || s.has(1<<50) || !s.has(8192) || s.empty() {
		t.Errorf("holds %v, want %v", got, want)
	}
}
