package audit

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/formats"
)

var (
	//go:embed sql/engine.sql
	engineSQL string
	//go:embed sql/aged.sql
	agedSQL string
)

// A fate is why a record rightly has no row.
type fate int

const (
	_ fate = iota // not explained
	// mayBeAgedOut: the table's TTL may have deleted the row; the raw record does not say all that the TTL asks for.
	mayBeAgedOut
	// agedOut: the table's TTL deletes the row.
	agedOut
)

// byPolicy tells which of some records rightly have no row, by offset. Whatever deletes rows on purpose belongs here.
func (a *Audit) byPolicy(ctx context.Context, rules []rule, records []*record) (map[int64]fate, error) {
	fates := map[int64]fate{}
	for part := range slices.Chunk(records, asked/2) {
		for i := range rules {
			if err := a.age(ctx, &rules[i], part, fates); err != nil {
				return nil, err
			}
		}
	}
	return fates, nil
}

// A rule is a part of a table's TTL that deletes rows: those whose time is past and, where there is a condition, that meet it.
type rule struct {
	time, condition string
	// unsure is true where a row of the record need not have been what the rule deleted.
	unsure bool
}

// policies reads the rules of both tables, and notes those that nothing can be said of.
func (a *Audit) policies(ctx context.Context, report *Report) (rules []rule, err error) {
	err = a.Conn.Query(ctx, engineSQL, func(_ []string, v []any) error {
		for _, r := range ttlOf(v[1].(string)) {
			r.unsure = r.unsure || v[0].(string) != "events" // who knows whether the record became a dead letter
			rules = append(rules, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the tables' TTL: %w", err)
	}
	// Each rule is tried on a record that is none. A condition on what the raw record does not tell is left out.
	var known []rule
	for _, r := range rules {
		err := a.age(ctx, &r, []*record{{}}, map[int64]fate{})
		if err != nil && r.condition != "" && clickhouse.Code(err) != "client" {
			r.condition, r.unsure = "", true
			err = a.age(ctx, &r, []*record{{}}, map[int64]fate{})
		}
		switch {
		case err == nil:
			known = append(known, r)
		case clickhouse.Code(err) != "client":
			report.Notes = append(report.Notes, "the tables' TTL "+r.time+" cannot be told from raw records: what it deleted counts as missing")
		default:
			return nil, err
		}
	}
	return known, nil
}

// age asks ClickHouse which records a rule has deleted, with the rule's own expressions: at the earliest and at the latest that the record's
// row may lie in time.
func (a *Audit) age(ctx context.Context, r *rule, records []*record, fates map[int64]fate) error {
	if len(records) == 0 {
		return nil
	}
	var offsets, received, early, late, own []int64
	var accounts, ids []string
	for _, rec := range records {
		offsets, received, own = append(offsets, rec.offset), append(received, rec.receivedAt), append(own, rec.clientTime)
		early, late = append(early, rec.earliest), append(late, rec.latest)
		accounts, ids = append(accounts, rec.account), append(ids, rec.event.String())
	}
	// An at sign would name an argument; expressions have it in strings only.
	fill := func(text string) string { return strings.ReplaceAll(text, "@", `\x40`) }
	condition := "1"
	if r.condition != "" {
		condition = r.condition
	}
	query := strings.NewReplacer("{time}", fill(r.time), "{condition}", fill(condition)).Replace(agedSQL)
	seen, possible := map[int64]int{}, map[int64]bool{}
	for _, times := range [][]int64{early, late} {
		err := a.Conn.Query(ctx, query, func(_ []string, v []any) error {
			if v[1].(uint8) != 0 {
				seen[v[0].(int64)]++
			}
			if v[2].(uint8) != 0 {
				possible[v[0].(int64)] = true
			}
			return nil
		}, clickhouse.Named("region", a.Region), clickhouse.Named("offsets", offsets), clickhouse.Named("ids", ids), clickhouse.Named("accounts", accounts),
			clickhouse.Named("received", received), clickhouse.Named("times", times), clickhouse.Named("own", own))
		if err != nil {
			return fmt.Errorf("ask which records the TTL %s deletes: %w", r.time, err)
		}
	}
	for offset := range possible {
		if seen[offset] == 2 && !r.unsure {
			fates[offset] = agedOut
		} else {
			fates[offset] = max(fates[offset], mayBeAgedOut)
		}
	}
	return nil
}

// times reads when a record was received, and bounds its corrected time. The enricher takes the client's reading, or corrects it by when the
// client says it sent it, and sets what lies too far from the receipt to its settings' limit, which are at least an hour before.
func (r *record) times(rec *event.Record) {
	var raw event.Raw
	if event.ParseRaw(rec, &raw) != nil {
		raw.ReceivedAt = rec.Timestamp
	}
	r.receivedAt, r.clientTime = raw.ReceivedAt, raw.ReceivedAt
	var sent event.Sent
	if formats.Decode(&raw, &sent) == nil {
		r.clientTime = sent.Time
	}
	guesses := []int64{r.clientTime}
	if raw.SentAt != 0 {
		guesses = append(guesses, r.receivedAt-(raw.SentAt-r.clientTime))
	}
	r.earliest, r.latest = r.receivedAt+mostFuture.Milliseconds(), r.receivedAt-mostPast.Milliseconds()
	for _, at := range guesses {
		at = min(max(at, r.receivedAt-mostPast.Milliseconds()), r.receivedAt+mostFuture.Milliseconds())
		// What lies after the receipt may be set to it, and what lies long before it to an hour before.
		r.earliest = min(r.earliest, at, max(r.receivedAt, at-mostFuture.Milliseconds()))
		r.latest = max(r.latest, at)
		if at < r.receivedAt-time.Hour.Milliseconds() {
			r.latest = max(r.latest, r.receivedAt-time.Hour.Milliseconds())
		}
	}
	r.clientTime = min(max(r.clientTime, -2_208_988_800_000), 9_214_646_400_000) // DateTime64(3): 1900 to 2261
}

// ttlOf reads the rules that delete rows from a table's engine_full, as system.tables shows it.
func ttlOf(engine string) (rules []rule) {
	_, ttl, ok := cut(engine, "TTL")
	if !ok {
		return nil
	}
	ttl, _, _ = cut(ttl, "SETTINGS")
	for _, element := range split(ttl) {
		if before, _, ok := cut(element, "GROUP BY"); ok {
			// Rows are rolled up into one; the commas that follow belong to it.
			return append(rules, rule{time: strings.TrimSpace(before), unsure: true})
		}
		moved := false
		for _, word := range []string{"TO DISK", "TO VOLUME", "RECOMPRESS"} {
			_, _, found := cut(element, word)
			moved = moved || found
		}
		if moved {
			continue
		}
		var r rule
		r.time, r.condition, _ = cut(element, "WHERE")
		r.time, _, _ = cut(r.time, "DELETE")
		r.time, r.condition = strings.TrimSpace(r.time), strings.TrimSpace(r.condition)
		rules = append(rules, r)
	}
	return rules
}

// cut splits text at the first word outside quotes and parentheses.
func cut(text, word string) (before, after string, found bool) {
	for i := range outside(text) {
		if (i == 0 || text[i-1] == ' ' || text[i-1] == ')') && strings.HasPrefix(text[i:], word) &&
			(i+len(word) == len(text) || text[i+len(word)] == ' ' || text[i+len(word)] == '(') {
			return text[:i], text[i+len(word):], true
		}
	}
	return text, "", false
}

// split splits text at the commas outside quotes and parentheses.
func split(text string) (parts []string) {
	from := 0
	for i := range outside(text) {
		if text[i] == ',' {
			parts, from = append(parts, text[from:i]), i+1
		}
	}
	return append(parts, text[from:])
}

// outside yields the places of the bytes of an SQL text that are in no quotes and no parentheses.
func outside(text string) func(func(int) bool) {
	return func(yield func(int) bool) {
		depth := 0
		var quote byte
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case quote != 0 && c == '\\':
				i++
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '\'' || c == '"' || c == '`':
				quote = c
			case c == '(' || c == '[':
				depth++
			case c == ')' || c == ']':
				depth--
			case depth == 0:
				if !yield(i) {
					return
				}
			}
		}
	}
}
