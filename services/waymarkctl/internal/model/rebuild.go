package model

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

var (
	//go:embed sql/partitions.sql
	partitionsSQL string
	//go:embed sql/days.sql
	daysSQL string
	//go:embed sql/clock.sql
	clockSQL string
	//go:embed sql/span.sql
	spanSQL string
	//go:embed sql/since.sql
	sinceSQL string
)

// A Rebuild makes the model anew from the events that there are, while the sinks go on.
//
// A month at a time, and end users of all months last: rows are made in a table beside, a day with each statement, and then take the place
// of the old ones, so that readers see the old month or the new one. What is stored meanwhile is added before that, and once more after it:
// the feed has put it beside rows that are no more.
//
// It may be killed anywhere and run again: months that are done are done again. Two at once are as one.
type Rebuild struct {
	Conn *clickhouse.Conn
	// From and To are days of UTC; the months that they lie in are made anew. Zero for no bound.
	From, To time.Time
	// Told hears of each step.
	Told func(sentence string)
}

// tolerance is how much earlier than a look at the server's clock an insert may have begun that the look's command cannot see: those of other servers.
// A sink gives one up after clickhouse.request_timeout, of a minute unless somebody says otherwise.
const tolerance = 2 * time.Minute

// Run makes the model anew, and returns how many months.
func (r *Rebuild) Run(ctx context.Context) (months int, err error) {
	if err := dropLeft(ctx, r.Conn, r.Told); err != nil {
		return 0, err
	}
	all, err := r.partitions(ctx)
	if err != nil {
		return 0, err
	}
	var chosen []time.Time
	for _, month := range all {
		if !month.AddDate(0, 1, 0).After(r.From) || !r.To.IsZero() && month.After(r.To) {
			continue
		}
		chosen = append(chosen, month)
	}
	for i, month := range chosen {
		what := partition{month.Format("200601"), month, month.AddDate(0, 1, 0)}
		if err := r.anew(ctx, what, chosen[i:i+1], Tables()[:2]); err != nil {
			return i, fmt.Errorf("month %s: %w", month.Format("2006-01"), err)
		}
	}
	if err := r.anew(ctx, partition{"all", earliest, latest}, all, Tables()[2:]); err != nil {
		return len(chosen), fmt.Errorf("end users: %w", err)
	}
	return len(chosen), nil
}

// A partition of a table, and of which events its rows are.
type partition struct {
	id       string
	from, to time.Time
}

// earliest and latest bound every time that events have.
var earliest, latest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC)

// partitions returns the first days of the months that there are.
func (r *Rebuild) partitions(ctx context.Context) (out []time.Time, err error) {
	err = r.Conn.Query(ctx, partitionsSQL, func(_ []string, v []any) error {
		month, err := time.Parse("200601", v[0].(string))
		if err != nil {
			return fmt.Errorf("partition %q is no month: is the table partitioned in another way?", v[0])
		}
		out = append(out, month)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for months: %w", err)
	}
	return out, nil
}

// anew makes one partition of tables anew, of the events of months.
func (r *Rebuild) anew(ctx context.Context, p partition, months []time.Time, tables []Table) (err error) {
	var stages []stage
	defer func() {
		for _, s := range stages {
			// The command may have been interrupted; what it leaves is in nobody's way, but in an erasure's.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			err = errors.Join(err, s.drop(last, r.Conn))
			cancel()
		}
	}()
	began, err := r.clock(ctx)
	if err != nil {
		return err
	}
	run := strings.ReplaceAll(uuid.NewString(), "-", "")[:8]
	for _, t := range tables {
		s, err := newStage(ctx, r.Conn, t, run)
		if err != nil {
			return err
		}
		stages = append(stages, s)
	}
	if err := r.fill(ctx, months, stages); err != nil {
		return err
	}
	// Most of what came meanwhile is added before readers see the new rows, the rest after.
	late, err := r.clock(ctx)
	if err != nil {
		return err
	}
	for _, s := range stages {
		if err := r.catchUp(ctx, s.Table, p, began); err != nil {
			return err
		}
		if err := s.swap(ctx, r.Conn, p.id); err != nil {
			return err
		}
	}
	if err := InsertsOver(ctx, r.Conn); err != nil {
		return err
	}
	for _, s := range stages {
		if err := r.catchUp(ctx, s.of, p, late); err != nil {
			return err
		}
	}
	return nil
}

// clock is the server's, early enough for what had begun by now.
func (r *Rebuild) clock(ctx context.Context) (at time.Time, err error) {
	err = r.Conn.Query(ctx, clockSQL, func(_ []string, v []any) error {
		at = time.UnixMilli(v[0].(int64)).Add(-tolerance)
		return nil
	})
	if err != nil {
		return at, fmt.Errorf("ask for the server's time: %w", err)
	}
	return at, nil
}

// fill makes rows of all events of months, day by day.
func (r *Rebuild) fill(ctx context.Context, months []time.Time, stages []stage) error {
	names := make([]string, len(stages))
	for i, s := range stages {
		names[i] = s.of.Name
	}
	for _, month := range months {
		days, err := daysOf(ctx, r.Conn, daysSQL, month)
		if err != nil {
			return err
		}
		for _, day := range days {
			for _, s := range stages {
				err := s.Add(ctx, r.Conn, spanSQL, clickhouse.Named("from", day), clickhouse.Named("to", day.AddDate(0, 0, 1)))
				if err != nil {
					return fmt.Errorf("day %s: %w", day.Format(time.DateOnly), err)
				}
			}
		}
		r.Told(fmt.Sprintf("%s of %s: %d days of events", strings.Join(names, " and "), month.Format("2006-01"), len(days)))
	}
	return nil
}

// daysOf asks for days of a month.
func daysOf(ctx context.Context, conn *clickhouse.Conn, statement string, month time.Time) (out []time.Time, err error) {
	err = conn.Query(ctx, statement, func(_ []string, v []any) error {
		out = append(out, v[0].(time.Time).UTC())
		return nil
	}, clickhouse.Named("from", month), clickhouse.Named("to", month.AddDate(0, 1, 0)))
	if err != nil {
		return nil, fmt.Errorf("look for days with events: %w", err)
	}
	return out, nil
}

// catchUp adds rows of what was stored since a moment.
func (r *Rebuild) catchUp(ctx context.Context, t Table, p partition, since time.Time) error {
	err := t.Add(ctx, r.Conn, sinceSQL, clickhouse.Named("from", p.from), clickhouse.Named("to", p.to), clickhouse.Named("since", since))
	if err != nil {
		return fmt.Errorf("what was stored meanwhile: %w", err)
	}
	return nil
}
