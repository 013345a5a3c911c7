package ctl

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/schemas"
)

// hostile is what a client may write into any text: it clears the screen, sets the title, goes back over the line, turns what follows, ends a
// string of SQL, and is a formula to a spreadsheet.
const hostile = "=cmd\x1b[2J\x1b]0;owned\x07\r\b\u009b31m\u202eevil'); DROP TABLE events; --\nevents.raw.us/0@0 stored\t1"

func TestNothingThatIsPrintedCommandsATerminal(t *testing.T) {
	client, _ := us(t)
	ok(t, "setup", "--replication-factor", "1", "--partitions", "1")
	id := uuid.New()
	props, err := json.Marshal(map[string]string{hostile: hostile})
	if err != nil {
		t.Fatal(err)
	}
	produce(t, client, schemas.EnrichedTopic("us"), 0, &event.Enriched{
		EventId: id[:], AccountId: "a", Event: hostile, ItemName: hostile, ItemId: hostile, PageTitle: hostile, Url: hostile, UserId: hostile, Props: props, Detail: []byte(hostile),
	})
	produce(t, client, schemas.DeadTopic("us"), 0, &event.Dead{
		EventId: id[:], Reason: hostile, Error: hostile, Stage: hostile, Key: []byte(hostile), Value: []byte(hostile), Headers: []*event.DeadHeader{{Key: "ua", Value: []byte(hostile)}},
	})
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(hostile)
	ok(t, "sql", "INSERT INTO dead_events (event_id, account_id, stage, reason, error, failed_at) VALUES ('"+id.String()+"', 'a', 'enrich', 'bad_row', '"+quoted+"', now())")
	ok(t, "sql", "INSERT INTO events (event_id, account_id, event, item_name) VALUES ('"+id.String()+"', 'a', 'play', '"+quoted+"')")

	for _, args := range [][]string{
		{"tail", "--no-follow", "--from-start"}, {"tail", "--dead", "--no-follow", "--from-start"},
		{"dead", "list"}, {"dead", "list", "--json"}, {"where", id.String()},
		{"sql", "SELECT item_name FROM events"}, {"sql", "--format", "table", "SELECT item_name AS `" + "a\x1bb" + "` FROM events"}, {"sql", "--format", "json", "SELECT item_name FROM events"},
	} {
		code, stdout, stderr := run(t, args...)
		if code != 0 || !strings.Contains(stdout, "evil") {
			t.Errorf("%q: %d, %s%s", args, code, stdout, stderr)
		}
		for _, text := range []string{stdout, stderr} {
			if at := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) || r == '\u202e' }); at >= 0 {
				t.Errorf("%q prints a command: %q", args, text[max(0, at-20):min(len(text), at+20)])
			}
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "events.raw.us/0@0 stored") {
					t.Errorf("%q prints a line of its own making: %q", args, line)
				}
			}
		}
	}
	code, _, stderr := run(t, "sql", "SELECT throwIf(1, '\x1b[2Jevil')")
	if code != 1 || strings.Contains(stderr, "\x1b") || !strings.Contains(stderr, "evil") {
		t.Errorf("%d %q", code, stderr)
	}
}
