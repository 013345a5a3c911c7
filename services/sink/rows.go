package sink

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/services/sink/internal/rows"
)

// Rows are rows of the table events, made of enriched records as Run makes them: for what stores events that never were in Kafka, such as a demo's
// history. It has none of the protocol by which Run stores each once.
type Rows struct {
	events   *rows.Events
	inserted []int64
}

// NewRows returns an empty set of rows.
func NewRows() *Rows { return &Rows{events: rows.NewEvents()} }

// Add appends the row of an enriched record as one that was stored at inserted, Unix milliseconds. The error is a
// *event.Rejection.
func (r *Rows) Add(rec *event.Record, inserted int64) error {
	if _, err := r.events.Add(rec, uuid.Nil, nil); err != nil {
		return err
	}
	r.inserted = append(r.inserted, inserted)
	return nil
}

// Len counts the rows.
func (r *Rows) Len() int { return r.events.Len() }

// Insert stores the rows as one block under token, once as long as the table remembers the token.
func (r *Rows) Insert(ctx context.Context, conn *clickhouse.Conn, token string) error {
	columns := append(r.events.Columns(0, r.Len()), clickhouse.Column{Name: "inserted_at", Values: r.inserted})
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return conn.Insert(ctx, "INSERT INTO "+r.events.Table()+" ("+strings.Join(names, ", ")+")", token, columns)
}
