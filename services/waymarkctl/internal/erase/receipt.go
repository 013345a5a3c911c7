package erase

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/schemas"
)

//go:embed sql/derived.sql
var derivedSQL string

// A Receipt says what was erased, and what was not. It names nobody.
type Receipt struct {
	Region  string       `json:"region"`
	Account string       `json:"account"`
	Mode    erasure.Mode `json:"mode"`
	// Suppress says that what is received later is kept out, too; otherwise what is received after ReceivedUntil stays.
	Suppress      bool      `json:"suppress"`
	ReceivedUntil time.Time `json:"received_until"`
	Tombstones    []string  `json:"tombstones"`
	// VisitorsAlong are visitors that only the user was, erased along; VisitorsShared others that the user was, of which only the user's own
	// events are.
	VisitorsAlong  int `json:"visitors_along"`
	VisitorsShared int `json:"visitors_shared"`
	// Events and DeadEvents are rows; Letters the records of dead letters that the dead topic keeps until its retention ends.
	Events     uint64 `json:"events"`
	DeadEvents uint64 `json:"dead_events"`
	Letters    int    `json:"dead_letters_on_kafka"`
	// Model are rows of what is computed from events that the person is in: they go, and what remains of the person is computed anew.
	Model uint64 `json:"model"`
	// Left are rows that were still there when last counted.
	Left uint64 `json:"left"`
	// Kafka says until when the topics keep what is theirs.
	Kafka []Copy `json:"kafka"`
	// NotErased is what may have copies that this command does not reach.
	NotErased []string      `json:"not_erased"`
	StartedAt time.Time     `json:"started_at"`
	Took      time.Duration `json:"took_nanoseconds"`
	Done      bool          `json:"done"`
}

// A Copy is a topic that keeps records of the person.
type Copy struct {
	Topic string `json:"topic"`
	// Until is when the last of them is deleted, but for the time that a segment takes to be full; zero where the topic keeps them for ever, or does not tell.
	Until time.Time `json:"until"`
	// Retention is the topic's retention.ms, "" where it may not be read.
	Retention string `json:"retention_ms"`
}

// copies looks how long the topics keep records.
func (e *Erasure) copies(ctx context.Context) (out []Copy, err error) {
	for _, topic := range []string{schemas.RawTopic(e.Name), schemas.EnrichedTopic(e.Name), schemas.DeadTopic(e.Name)} {
		c := Copy{Topic: topic}
		settings, err := e.Client.TopicConfig(ctx, topic, "retention.ms")
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			c.Retention = settings["retention.ms"]
			if ms, err := strconv.ParseInt(c.Retention, 10, 64); err == nil && ms >= 0 {
				c.Until = e.receipt.ReceivedUntil.Add(time.Duration(ms) * time.Millisecond)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// derived lists what hangs on the tables.
func (e *Erasure) derived(ctx context.Context) (out []string, err error) {
	err = e.Conn.Query(ctx, derivedSQL, func(_ []string, v []any) error {
		out = append(out, v[0].(string))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for what hangs on the tables: %w", err)
	}
	return out, nil
}

// Text prints the receipt for people. dry says that nothing was done.
func (r *Receipt) Text(out io.Writer, dry bool) error {
	var b strings.Builder
	verb := "erased"
	if r.Mode == erasure.Anonymise {
		verb = "anonymised"
	}
	if dry {
		verb = "would be " + verb
	}
	fmt.Fprintf(&b, "Region %s, account %s: %d rows of events and %d of dead_events %s", r.Region, r.Account, r.Events, r.DeadEvents, verb)
	if r.Done {
		fmt.Fprintf(&b, " in %s; none is left", r.Took.Round(100*time.Millisecond))
	}
	fmt.Fprintln(&b)
	fmt.Fprintf(&b, "of item_activity, visitor_activity and end_user_activity, which are computed from events: %d rows %s, or made anew from what is left\n", r.Model, verb)
	if r.VisitorsAlong > 0 {
		fmt.Fprintf(&b, "%d visitors that only this user was are erased along\n", r.VisitorsAlong)
	}
	if r.VisitorsShared > 0 {
		fmt.Fprintf(&b, "%d visitors were other users, too: of their events only this user's own are erased\n", r.VisitorsShared)
	}
	if r.Suppress {
		fmt.Fprintln(&b, "what is received from now on is kept out, too")
	} else {
		fmt.Fprintf(&b, "what is received after %s is stored as ever\n", r.ReceivedUntil.Format(time.RFC3339))
	}
	fmt.Fprintf(&b, "tombstones: %s\n", strings.Join(r.Tombstones, " "))
	if r.Letters > 0 {
		fmt.Fprintf(&b, "%d dead letters of theirs lie on %s\n", r.Letters, schemas.DeadTopic(r.Region))
	}
	for _, c := range r.Kafka {
		switch {
		case !c.Until.IsZero():
			fmt.Fprintf(&b, "Kafka deletes its copies on %s by %s, and the segment that they lie in with its last record\n", c.Topic, c.Until.Format(time.RFC3339))
		case c.Retention != "":
			fmt.Fprintf(&b, "Kafka keeps its copies on %s for ever (retention.ms=%s)\n", c.Topic, c.Retention)
		default:
			fmt.Fprintf(&b, "how long Kafka keeps its copies on %s is not known: this user may not see the topic's configuration\n", c.Topic)
		}
	}
	fmt.Fprintln(&b, "ClickHouse deletes the files of parts that it wrote anew after the table's old_parts_lifetime, eight minutes by default")
	for _, what := range r.NotErased {
		fmt.Fprintf(&b, "not erased: %s\n", what)
	}
	fmt.Fprintln(&b, "not erased: backups, which are the operator's. What an edge's spool holds is dropped when it is sent")
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
