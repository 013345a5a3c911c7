package model

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/retry"
)

var (
	//go:embed sql/check_days.sql
	checkDaysSQL string
	//go:embed sql/check_events.sql
	checkEventsSQL string
	//go:embed sql/check_interactions.sql
	checkInteractionsSQL string
	//go:embed sql/check_end_users.sql
	checkEndUsersSQL string
)

// A Count is how many of something the events are, and what of it the model has not, or has alone.
type Count struct{ Events, Lacking, Alone uint64 }

// Agrees tells whether there is no difference.
func (c Count) Agrees() bool { return c.Lacking+c.Alone == 0 }

// A Day is what a day's events are in the model.
type Day struct {
	Day time.Time
	// Events are distinct events, sessions' ends left out; Interactions rows of item_activity.
	Events, Interactions Count
}

// Agrees tells whether there is no difference.
func (d Day) Agrees() bool { return d.Events.Agrees() && d.Interactions.Agrees() }

// A Check compares the model with the events.
type Check struct {
	Conn *clickhouse.Conn
	// From and To are days of UTC, both included; zero for no bound.
	From, To time.Time
}

// Run calls each for every day that has rows, and returns how end users of all time are. Differences that pass are none: a block that is being
// stored may be seen on one side alone.
func (c *Check) Run(ctx context.Context, each func(Day) error) (endUsers Count, err error) {
	months, err := (&Rebuild{Conn: c.Conn}).partitions(ctx)
	if err != nil {
		return Count{}, err
	}
	for _, month := range months {
		if !month.AddDate(0, 1, 0).After(c.From) || !c.To.IsZero() && month.After(c.To) {
			continue
		}
		days, err := daysOf(ctx, c.Conn, checkDaysSQL, month)
		if err != nil {
			return Count{}, err
		}
		for _, day := range days {
			if day.Before(c.From.Truncate(24*time.Hour)) || !c.To.IsZero() && day.After(c.To) {
				continue
			}
			of := Day{Day: day}
			name := clickhouse.Named("day", day.Format(time.DateOnly))
			if of.Events, err = c.settled(ctx, checkEventsSQL, name); err != nil {
				return Count{}, fmt.Errorf("day %s: %w", day.Format(time.DateOnly), err)
			}
			if of.Interactions, err = c.settled(ctx, checkInteractionsSQL, name); err != nil {
				return Count{}, fmt.Errorf("day %s: %w", day.Format(time.DateOnly), err)
			}
			if err := each(of); err != nil {
				return Count{}, err
			}
		}
	}
	if endUsers, err = c.settled(ctx, checkEndUsersSQL); err != nil {
		return Count{}, fmt.Errorf("end users: %w", err)
	}
	return endUsers, nil
}

// looks is how often it is looked again at a difference.
const looks = 5

// settled counts until there is no difference, or it stays.
func (c *Check) settled(ctx context.Context, statement string, args ...any) (n Count, err error) {
	for look := 1; ; look++ {
		err := c.Conn.Query(ctx, statement, func(_ []string, v []any) error {
			n = Count{v[0].(uint64), v[1].(uint64), v[2].(uint64)}
			return nil
		}, args...)
		if err != nil {
			return n, fmt.Errorf("compare: %w", err)
		}
		if n.Agrees() || look == looks {
			return n, nil
		}
		if err := retry.Pause(ctx, lookEvery); err != nil {
			return n, err
		}
	}
}
