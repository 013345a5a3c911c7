// Package residency tells whose rows lie in which region, and whose should not.
package residency

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clickhouse"
)

//go:embed sql/accounts.sql
var accountsSQL string

// Misplaced are rows of an account in a region that is not its.
type Misplaced struct {
	Account string
	// Belongs is the account's region; empty where the accounts file does not know it.
	Belongs string
	// Lies is where the rows are.
	Lies         string
	Events, Dead uint64
	// Computed are rows of what is computed from events.
	Computed uint64
	// Last is when the last of them was received.
	Last time.Time
}

// Look returns what lies in a region's tables and should not.
func Look(ctx context.Context, conn *clickhouse.Conn, region string, accounts *account.Directory) (out []Misplaced, err error) {
	err = conn.Query(ctx, accountsSQL, func(_ []string, v []any) error {
		m := Misplaced{Account: v[0].(string), Lies: region, Events: v[1].(uint64), Dead: v[2].(uint64), Computed: v[3].(uint64), Last: v[4].(time.Time).UTC()}
		if a := accounts.ByID(m.Account); a != nil {
			m.Belongs = a.Region
		}
		// A dead letter of an account that is another region's, or nobody's, is where it was refused.
		if m.Belongs != region && m.Events+m.Computed > 0 {
			out = append(out, m)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask whose rows there are: %w", err)
	}
	return out, nil
}
