package erase

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"io"
	"slices"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/result"
)

var (
	//go:embed sql/rows.sql
	rowsSQL string
	//go:embed sql/dead.sql
	deadSQL string
)

// Export writes all that the tables have of a person as JSON lines to out, each with its table, and says on told what Kafka alone has. It is
// what an erasure of the same person would take. It takes no secret, and changes nothing.
func Export(ctx context.Context, in Region, r Request, out, told io.Writer) error {
	keys, err := erasure.Config{Secret: config.Secret(rand.Text() + rand.Text())}.Keys() // of this run alone: letters are compared by digests
	if err != nil {
		return err
	}
	in.Keys, r.Suppress, r.Mode = keys, true, erasure.Erase // whenever it was received
	e := &Erasure{Region: in, Request: r, salt: rand.Text()}
	if err := e.resolve(ctx, nil); err != nil {
		return err
	}
	printer, err := result.New("json", out)
	if err != nil {
		return err
	}
	for _, p := range e.persons {
		if err := in.Conn.Query(ctx, about(rowsSQL), printer.Row, p...); err != nil {
			return fmt.Errorf("read events: %w", err)
		}
	}
	letters, err := e.letters(ctx)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(letters.places, mostListed) {
		if err := in.Conn.Query(ctx, deadSQL, printer.Row, clickhouse.Named("places", part)); err != nil {
			return fmt.Errorf("read dead_events: %w", err)
		}
	}
	if err := printer.Flush(); err != nil {
		return err
	}
	for _, place := range letters.kept {
		fmt.Fprintf(told, "Kafka alone has: the record of a dead letter at %s/%d@%d (waymarkctl tail --region %s --dead shows it)\n", schemas.DeadTopic(in.Name), place.Partition, place.Offset, in.Name)
	}
	copies, err := e.copies(ctx)
	if err != nil {
		return err
	}
	for _, c := range copies[:2] {
		fmt.Fprintf(told, "Kafka alone has: what %s keeps of the last %s ms, raw events as they were sent, traits among them\n", c.Topic, c.Retention)
	}
	_, err = fmt.Fprintln(told, "not printed: item_activity, visitor_activity and end_user_activity, which are computed from these rows. Not looked at: the spools of edges, backups, and what else hangs on the tables")
	return err
}
