// Package model looks after the tables that are computed from events: it makes them anew, and compares them with what they are made from.
//
// They are fed as events are stored, and each of their rows merges to the same value however often an event comes. So to add what is there
// already does no harm, and what is wrong in them is what they lack, or what events no longer have: after a re-enrichment, or a deletion by hand.
package model

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/schemas"
)

var (
	//go:embed sql/under_way.sql
	underWaySQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/stages.sql
	stagesSQL string
)

// A Table is one of the model's, or one in which a rebuild makes such rows anew.
type Table struct {
	Name string
	// Part is what its rows of events are: schemas/clickhouse/parts. It is the name of the model's table, too.
	Part string
	// First and Last are the columns with the times of a row's first and last event.
	First, Last string
	// ByDay says that no row has events of two days.
	ByDay bool
}

// Tables are the model's.
func Tables() []Table {
	return []Table{
		{"item_activity", "item_activity", "first_time", "last_time", true},
		{"visitor_activity", "visitor_activity", "first_time", "last_time", true},
		{"end_user_activity", "end_user_activity", "first_seen", "last_seen", false},
	}
}

// Staged returns the tables in which rebuilds make rows anew, in this moment.
func Staged(ctx context.Context, conn *clickhouse.Conn) (out []Table, err error) {
	err = conn.Query(ctx, stagesSQL, func(_ []string, v []any) error {
		for _, t := range Tables() {
			if name := v[0].(string); strings.HasPrefix(name, t.Name+"_anew_") {
				t.Name = name
				out = append(out, t)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for tables of a rebuild: %w", err)
	}
	return out, nil
}

// Fill has t's statement, with its table and columns, in the place of what stands in braces.
func (t Table) Fill(statement string) string {
	return strings.NewReplacer("{table}", t.Name, "{first}", t.First, "{last}", t.Last).Replace(withoutComments(statement))
}

// Add inserts t's rows of the events that scope, " AND condition", leaves, with args in it.
func (t Table) Add(ctx context.Context, conn *clickhouse.Conn, scope string, args ...any) error {
	schema, err := clickhouse.ReadSchema(schemas.Migrations())
	if err != nil {
		return err
	}
	rows, err := schema.Part(t.Part, strings.TrimRight(withoutComments(scope), "\n"))
	if err != nil {
		return err
	}
	if err := conn.Exec(ctx, strings.Replace(t.Fill(insertSQL), "{rows}", rows, 1), args...); err != nil {
		return fmt.Errorf("fill %s: %w", t.Name, err)
	}
	return nil
}

// withoutComments leaves out the lines that explain.
func withoutComments(sql string) string {
	var out strings.Builder
	for line := range strings.Lines(sql) {
		if !strings.HasPrefix(line, "--") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// lookEvery is how often it is looked whether inserts are done.
const lookEvery = 200 * time.Millisecond

// InsertsOver waits until inserts that are under way are done: of a block of events its rows in the model may be there before it itself is seen, or
// after. Inserts of other users are seen with the right SHOW PROCESSLIST alone, those of other servers never.
func InsertsOver(ctx context.Context, conn *clickhouse.Conn) error {
	begun := time.Now()
	for {
		var n uint64
		err := conn.Query(ctx, underWaySQL, func(_ []string, v []any) error {
			n = v[0].(uint64)
			return nil
		}, clickhouse.Named("seconds", time.Since(begun).Seconds()))
		if err != nil {
			return fmt.Errorf("look for inserts under way: %w", err)
		}
		if n == 0 {
			return nil
		}
		if err := retry.Pause(ctx, lookEvery); err != nil {
			return fmt.Errorf("%d inserts that began before are still under way: %w", n, err)
		}
	}
}
