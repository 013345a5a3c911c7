package audit

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

var (
	//go:embed sql/stored.sql
	storedSQL string
	//go:embed sql/dead.sql
	deadSQL string
	//go:embed sql/elsewhere.sql
	elsewhereSQL string
	//go:embed sql/doubled.sql
	doubledSQL string
	//go:embed sql/oldest.sql
	oldestSQL string
	//go:embed sql/predecessors.sql
	predecessorsSQL string
	//go:embed sql/unseen.sql
	unseenSQL string
)

// mostPast and mostFuture are how far an event's corrected time may lie before and after its receipt, whatever the enricher's settings
// time.max_past and time.max_future: with them a span of receipt prunes the table's partitions, which are months of the corrected time.
const (
	mostPast   = 8760 * time.Hour
	mostFuture = 720 * time.Hour
)

// tables asks what can be asked of the tables alone.
func (a *Audit) tables(ctx context.Context, report *Report) error {
	span := []any{
		clickhouse.Named("region", a.Region), clickhouse.Named("from", a.From), clickhouse.Named("to", a.To),
		clickhouse.Named("earliest", a.From.Add(-mostPast)), clickhouse.Named("latest", a.To.Add(mostFuture)),
	}
	err := a.Conn.Query(ctx, doubledSQL, func(_ []string, values []any) error {
		report.Doubled = append(report.Doubled, values[0].(uuid.UUID))
		return nil
	}, span...)
	if err != nil {
		return fmt.Errorf("look for doubled events: %w", err)
	}
	err = a.Conn.Query(ctx, predecessorsSQL, func(_ []string, values []any) error {
		report.Predecessors = values[0].(uint64)
		return nil
	}, append(span, clickhouse.Named("topic_id", report.TopicID.String()))...)
	if err != nil {
		return fmt.Errorf("look for rows of earlier logs: %w", err)
	}
	// Rows that a SELECT does not see are no loss, but they are no rows either.
	err = a.Conn.Query(ctx, unseenSQL, func(_ []string, values []any) error {
		report.Notes = append(report.Notes, fmt.Sprint(values[0]))
		return nil
	})
	if err != nil && clickhouse.Code(err) != "client" { // a user without rights on system tables may audit all the same
		report.Notes = append(report.Notes, "whether parts are detached, or the replica is behind, is not known: "+err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for detached parts and the replica's delay: %w", err)
	}
	return nil
}
