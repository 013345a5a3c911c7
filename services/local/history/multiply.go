package history

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

//go:embed sql/multiply.sql
var multiply string

// Copies say what to make of a history that Fill stored.
type Copies struct {
	// Seed is the account that has the history, Account the one that gets the copies; the same one may.
	Seed, Account string
	// From and To are the numbers of the copies [From, To), from 1.
	From, To int
}

// Multiply stores copies of a history, made by ClickHouse: each has as many events, of other people. The same copies are stored under the same ids and
// keys again.
func Multiply(ctx context.Context, conn *clickhouse.Conn, c Copies) error {
	if c.From < 1 || c.To < c.From {
		return fmt.Errorf("copies of a history: want numbers from 1, got [%d, %d)", c.From, c.To)
	}
	return conn.Exec(clickhouse.WithParameters(ctx, map[string]string{
		"seed": c.Seed, "account": c.Account, "topic": Topic.String(), "from": fmt.Sprint(c.From), "to": fmt.Sprint(c.To),
	}), multiply)
}
