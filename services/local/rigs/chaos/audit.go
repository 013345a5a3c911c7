package chaos

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// A finding is one event that is not as its client was told.
type finding struct {
	id   uuid.UUID
	what string
}

// A verdict is what the audit found, id by id.
type verdict struct {
	rows, dead int
	// lost events were accepted and are not rows; doubled ones are two or more; altered ones say something else than was sent;
	// invented ones were never accepted.
	lost, doubled, altered, invented []finding
	// repeated events are two rows of two raw records, since a client sent the event twice and an enriching that began anew passed over the
	// first: the events table collapses them, as docs/guarantees.md has it under "The double that can survive".
	repeated []finding
	// deadLost and deadDoubled are the same of events that had to become dead letters, by their place.
	deadLost, deadDoubled []finding
}

// clean tells whether everything is as the clients were told.
func (v *verdict) clean() bool {
	return len(v.lost)+len(v.doubled)+len(v.altered)+len(v.invented)+len(v.deadLost)+len(v.deadDoubled) == 0
}

// auditParts is how many queries the table is read in.
const auditParts = 16

// audit compares the ledger with the tables, id by id.
func audit(ctx context.Context, w *world, l *ledger) (*verdict, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := new(verdict)
	seen := make(map[uuid.UUID]int, len(l.accepted))
	for part := range auditParts {
		text, err := w.sql(ctx, fmt.Sprintf(`SELECT event_id, event, item_type, item_id, visitor_id, session_id, toUnixTimestamp64Milli(client_time), props.seq, raw_topic_id, raw_partition, raw_leader_epoch, raw_offset
			FROM events WHERE sipHash64(event_id) %% %d = %d FORMAT TSV`, auditParts, part))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(text) {
			fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(fields) != 12 {
				return nil, fmt.Errorf("a row of %d fields: %q", len(fields), line)
			}
			id, err := uuid.Parse(fields[0])
			if err != nil {
				return nil, fmt.Errorf("a row's id: %w", err)
			}
			v.rows++
			seen[id]++
			at := finding{id, fmt.Sprintf("raw topic %s, partition %s, leader epoch %s, offset %s", fields[8], fields[9], fields[10], fields[11])}
			print, accepted := l.accepted[id]
			switch {
			case !accepted:
				v.invented = append(v.invented, at)
			case seen[id] > 1:
				v.doubled = append(v.doubled, at)
			case print != fingerprint(fields[1:8]...):
				at.what += " " + strings.Join(fields[1:8], " ")
				v.altered = append(v.altered, at)
			}
		}
	}
	for id := range l.accepted {
		if seen[id] == 0 {
			v.lost = append(v.lost, finding{id, "no row"})
		}
	}
	if err := tellRepeated(ctx, w, v); err != nil {
		return nil, err
	}
	return v, auditDead(ctx, w, l, v)
}

// tellRepeated tells doubled events from repeated ones: each row of those is of another raw record, and they are not all of one raw topic
// and epoch. Otherwise, and where no enriched topic was made anew, the enricher knows a repetition.
func tellRepeated(ctx context.Context, w *world, v *verdict) error {
	if !w.forgetful.Load() {
		return nil
	}
	var doubled []finding
	for _, f := range v.doubled {
		text, err := w.sql(ctx, fmt.Sprintf("SELECT count() = uniqExact(raw_topic_id, raw_partition, raw_leader_epoch, raw_offset) AND uniqExact(raw_topic_id, epoch) > 1 FROM events WHERE event_id = '%s'", f.id))
		if err != nil {
			return err
		}
		if text == "1\n" {
			v.repeated = append(v.repeated, f)
		} else {
			doubled = append(doubled, f)
		}
	}
	v.doubled = doubled
	return nil
}

// auditDead does the same for events that had to become dead letters. A client's repetition of such an event is a dead letter of
// its own, at another place of the raw topic: only one record twice is a double.
func auditDead(ctx context.Context, w *world, l *ledger, v *verdict) error {
	text, err := w.sql(ctx, "SELECT event_id, reason, topic, topic_id, partition, leader_epoch, offset FROM dead_events FORMAT TSV")
	if err != nil {
		return err
	}
	seen, places := map[uuid.UUID]bool{}, map[string]bool{}
	for line := range strings.Lines(text) {
		id, what, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		parsed, err := uuid.Parse(id)
		if err != nil {
			return fmt.Errorf("a dead letter's id: %w", err)
		}
		v.dead++
		seen[parsed] = true
		if _, expected := l.buried[parsed]; !expected {
			v.invented = append(v.invented, finding{parsed, "dead letter " + what})
		} else if places[what] {
			v.deadDoubled = append(v.deadDoubled, finding{parsed, what})
		}
		places[what] = true
	}
	for id := range l.buried {
		if !seen[id] {
			v.deadLost = append(v.deadLost, finding{id, "no dead letter"})
		}
	}
	return nil
}
